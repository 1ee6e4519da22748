import { mountedAt, type OpenDisk, openDisk } from "@blkmig/device";

import type { Dangers } from "../arguments/parse-dangers.ts";
import type { DiskArgument } from "../arguments/parse-disk.ts";
import { CommandError } from "../command-error.ts";

const SECTOR = 512;

/** The disks to send, open for reading and locked. */
export interface Sources {
  readonly disks: readonly { readonly name: string; readonly device: OpenDisk }[];
  /** Throws if one has changed since it was opened: what was sent of it then fits nowhere. */
  confirmUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** Opens all or none. Refuses disks that somebody may be writing, unless that danger was taken on. */
export async function openSources(wanted: readonly DiskArgument[], dangers: Dangers): Promise<Sources> {
  const disks: { name: string; device: OpenDisk }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(disks.map(({ device }) => device.close()));
  };
  try {
    for (const { name, path } of wanted) {
      const device = await openDisk(path, { name, readOnly: true, force: dangers });
      disks.push({ name, device });
      await assertSendable(device, dangers);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const confirmUnchanged = async (): Promise<void> => {
    for (const { device } of disks) {
      if (await device.unchanged()) continue;
      throw new Error(
        `disk '${device.name}': ${device.path} was changed while it was sent: its copy is of no single moment`,
      );
    }
  };
  return { disks, confirmUnchanged, close };
}

async function assertSendable(device: OpenDisk, dangers: Dangers): Promise<void> {
  const { name, path, size } = device;
  if (size % SECTOR !== 0) {
    throw new CommandError("refused", `disk '${name}': ${path} has ${size} bytes, which is no multiple of ${SECTOR}`);
  }
  if (dangers.mounted) return;
  const mount = (await mountedAt(device)).find(({ readOnly }) => !readOnly);
  if (!mount) return;
  const message = `disk '${name}': ${path} is mounted for writing at ${mount.path}: unmount it, or --force mounted`;
  throw new CommandError("refused", message);
}
