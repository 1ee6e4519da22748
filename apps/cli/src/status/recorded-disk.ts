import { readSignature } from "@blkmig/device";
import {
  JournalError,
  placeOfRecord,
  readRecord,
  type RecordPlace,
  type SourceRecord,
  type TargetRecord,
  withheldBlock,
} from "@blkmig/journal";

import { openAnyDisk } from "../disks/open-any-disk.ts";

/** What can be seen of a disk and its record. */
export interface RecordedDisk {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly place: RecordPlace;
  readonly record: TargetRecord | SourceRecord | "none" | UnreadableRecord;
  readonly isFirstBlockWithheld: boolean;
  /** What the disk visibly holds, in words. */
  readonly signature: string | undefined;
  /** The URL of the monitor of the QEMU that has it, if one has. */
  readonly monitor?: string;
}

/** A record whose meaning is not known here. */
interface UnreadableRecord {
  readonly why: "damaged" | "newer" | "unreadable";
  readonly message: string;
}

export interface LookOptions {
  readonly stateDir: string | undefined;
  /** Clear text to another machine, for a disk behind NBD. */
  readonly insecure: boolean;
  readonly signal: AbortSignal;
}

/** Only reads, and takes no lock: whoever has the disk does not notice. Throws what `openAnyDisk` throws, and `JournalError` `io`. */
export async function lookAtDisk(path: string, { stateDir, insecure, signal }: LookOptions): Promise<RecordedDisk> {
  const disk = await openAnyDisk(path, { name: path, readOnly: true, lock: false, insecure, signal });
  try {
    const place = await placeOfRecord(disk, stateDir === undefined ? {} : { stateDir });
    const record = await recordAt(place);
    const isFirstBlockWithheld = (await withheldBlock(place).load()) !== undefined;
    const signature = await readSignature(disk);
    return { path, size: disk.size, place, record, isFirstBlockWithheld, signature };
  } finally {
    await disk.close();
  }
}

/** Throws `JournalError` `io`. */
export async function recordAt(place: RecordPlace): Promise<RecordedDisk["record"]> {
  try {
    return (await readRecord(place.path)) ?? "none";
  } catch (error) {
    if (!(error instanceof JournalError) || (error.code !== "damaged" && error.code !== "newer")) throw error;
    return { why: error.code, message: error.message };
  }
}
