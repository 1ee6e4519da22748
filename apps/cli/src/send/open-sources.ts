import { mountedAt } from "@blkmig/device";

import type { Dangers } from "../arguments/parse-dangers.ts";
import type { DiskArgument } from "../arguments/parse-disk.ts";
import { CommandError } from "../command-error.ts";
import type { AnyDisk } from "../disks/any-disk.ts";
import { letGoOnAbort } from "../disks/let-go-on-abort.ts";
import { openAnyDisk } from "../disks/open-any-disk.ts";

const SECTOR = 512;

/** The disks to send, open for reading and locked. */
export interface Sources {
  readonly disks: readonly { readonly name: string; readonly device: AnyDisk }[];
  /** Throws if one has changed since it was opened: what was sent of it then fits nowhere. */
  readonly confirmUnchanged: () => Promise<void>;
  close(): Promise<void>;
}

export interface OpenSourcesOptions {
  readonly dangers: Dangers;
  /** Only what is allocated above a base is to be sent. */
  readonly incremental: boolean;
  /** Clear text to another machine, for disks behind NBD. */
  readonly insecure: boolean;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/** Opens all or none. Refuses disks that somebody may be writing, unless that danger was taken on. */
export async function openSources(wanted: readonly DiskArgument[], options: OpenSourcesOptions): Promise<Sources> {
  const { dangers, insecure, signal, warn } = options;
  const disks: { name: string; device: AnyDisk }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(disks.map(({ device }) => device.close()));
  };
  try {
    for (const { name, path } of wanted) {
      const device = await openAnyDisk(path, { name, readOnly: true, force: dangers, insecure, signal, warn });
      disks.push({ name, device });
      letGoOnAbort(device, signal);
      await assertSendable(device, options);
      if (device.kind === "nbd") {
        warn(`disk '${name}': nothing says whether ${path} is written by others while it is sent`);
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  const confirmUnchanged = async (): Promise<void> => {
    for (const { device } of disks) {
      if (await device.unchanged()) continue;
      const what = `${device.path} was changed while it was sent: its copy is of no single moment`;
      throw new Error(`disk '${device.name}': ${what}; stop what writes it, or move it live (blkmig serve)`);
    }
  };
  return { disks, confirmUnchanged, close };
}

async function assertSendable(device: AnyDisk, { dangers, incremental }: OpenSourcesOptions): Promise<void> {
  const { name, path, size } = device;
  if (size % SECTOR !== 0) {
    const odd = `${path} has ${size} bytes, which is no multiple of ${SECTOR}: lengthen it (truncate -s %${SECTOR})`;
    throw new CommandError("refused", `disk '${name}': ${odd}`);
  }
  if (incremental && !device.knowsBase) {
    const why = "its server does not say what stands above a base: qemu-nbd --allocation-depth does";
    throw new CommandError("refused", `disk '${name}': --incremental cannot be had of ${path}: ${why}`);
  }
  if (dangers.mounted) return;
  const mount = (await mountedAt(device)).find(({ readOnly }) => !readOnly);
  if (!mount) return;
  const message = `disk '${name}': ${path} is mounted for writing at ${mount.path}: unmount it, or --force mounted`;
  throw new CommandError("refused", message);
}
