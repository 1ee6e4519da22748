import { encodeDeviceName } from "@blkmig/protocol";

import { CommandError } from "../command-error.ts";

/** A QEMU's disk, by any of its ids, and the name that it shall have on the wire. */
export interface QemuDiskArgument {
  readonly id: string;
  readonly name?: string;
}

/** `virtio0` or `virtio0=vda`, of `--disk` beside `--qmp`. None is all that can be moved. */
export function parseQemuDisks(texts: readonly string[]): readonly QemuDiskArgument[] | undefined {
  if (texts.length === 0) return undefined;
  const disks = texts.map(parseQemuDisk);
  for (const [at, { id, name }] of disks.entries()) {
    const earlier = disks.slice(0, at);
    if (earlier.some((disk) => disk.id === id)) throw new CommandError("usage", `--disk: '${id}' is said twice`);
    if (name !== undefined && earlier.some((disk) => disk.name === name)) {
      throw new CommandError("usage", `--disk: two disks are called '${name}'`);
    }
  }
  return disks;
}

function parseQemuDisk(text: string): QemuDiskArgument {
  const cut = text.indexOf("=");
  const [id, name] = cut < 0 ? [text, undefined] : [text.slice(0, cut), text.slice(cut + 1)];
  if (id === "") throw new CommandError("usage", `--disk: '${text}' is not ID or ID=NAME`);
  if (name === undefined) return { id };
  try {
    encodeDeviceName(name);
  } catch (cause) {
    const message = `--disk ${text}: a name has 1 to 255 bytes of UTF-8, this one ${Buffer.byteLength(name)}`;
    throw new CommandError("usage", message, { cause });
  }
  return { id, name };
}
