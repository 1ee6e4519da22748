import { mountedAt, readSignature } from "@blkmig/device";
import { JournalError, readRecord, type RecordPlace, type SourceRecord, type TargetRecord } from "@blkmig/journal";

import type { AnyDisk } from "../disks/any-disk.ts";

/** What is known of a target before a byte of it is written. */
export interface TargetView {
  readonly name: string;
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly record: TargetRecord | SourceRecord | undefined | UnreadableRecord;
  /** What it visibly holds, in words. */
  readonly signature: string | undefined;
  /** Where it is mounted. */
  readonly mount: string | undefined;
}

/** A record that cannot be believed. */
export interface UnreadableRecord {
  readonly role: "unreadable";
  readonly code: JournalError["code"];
  readonly message: string;
}

/** Only reads. Throws `DeviceError`. */
export async function viewTarget(name: string, disk: AnyDisk, place: RecordPlace): Promise<TargetView> {
  const { path, size } = disk;
  const [mount] = await mountedAt(disk);
  const signature = await readSignature(disk);
  return { name, path, size, signature, mount: mount?.path, record: await recordAt(place) };
}

async function recordAt({ path }: RecordPlace): Promise<TargetView["record"]> {
  try {
    return await readRecord(path);
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    return { role: "unreadable", code: error.code, message: error.message };
  }
}
