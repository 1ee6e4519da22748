import { isNbdUrl } from "@blkmig/nbd";
import { encodeDeviceName } from "@blkmig/protocol";

import { CommandError } from "../command-error.ts";
import { parseNbd } from "./parse-nbd-address.ts";

/** A disk of this machine, or one behind NBD, under the name that it has on the wire. */
export interface DiskArgument {
  readonly name: string;
  /** Of a file or a block device, or an NBD URL. */
  readonly path: string;
}

/** `vda=/var/lib/disk.img`, of `--disk`, each name once and at least one. */
export function parseDisks(texts: readonly string[]): readonly DiskArgument[] {
  const disks = texts.map(parseDisk);
  const names = new Set<string>();
  for (const { name } of disks) {
    if (names.has(name)) throw new CommandError("usage", `--disk: two disks are called '${name}'`);
    names.add(name);
  }
  if (disks.length === 0) throw new CommandError("usage", "at least one --disk NAME=PATH is needed");
  return disks;
}

function parseDisk(text: string): DiskArgument {
  const { name, value: path } = parseNamed(text, "--disk", "PATH");
  if (isNbdUrl(path)) parseNbd(path, `--disk ${name}`); // before anything is opened
  return { name, path };
}

/** `NAME=…`, cut at the first `=`. */
export function parseNamed(text: string, option: string, what: string): { name: string; value: string } {
  const cut = text.indexOf("=");
  const name = text.slice(0, Math.max(0, cut));
  const value = text.slice(cut + 1);
  if (cut < 0 || value === "") {
    throw new CommandError("usage", `${option}: '${text}' is not NAME=${what}`);
  }
  try {
    encodeDeviceName(name);
  } catch (cause) {
    const bytes = new TextEncoder().encode(name).length;
    const message = `${option} ${text}: a name has 1 to 255 bytes of UTF-8, this one ${bytes}`;
    throw new CommandError("usage", message, { cause });
  }
  return { name, value };
}
