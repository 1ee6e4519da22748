import { open, unlink } from "node:fs/promises";
import { dirname } from "node:path";

import { CommandError, messageOf } from "../command-error.ts";
import type { TargetArgument } from "./receive-options.ts";

/** Makes a missing target, sparse and as large as was said. Gives false if something is there already: that is used as it is. */
export async function createTarget({ name, path, size }: TargetArgument): Promise<boolean> {
  if (size === undefined) return false;
  try {
    const file = await open(path, "wx");
    try {
      await file.truncate(size);
      await file.sync();
    } finally {
      await file.close();
    }
    await syncFolder(dirname(path)); // or the file's name would not survive a power cut, with all that was written to it
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw new CommandError("refused", `disk '${name}': ${path} cannot be made: ${messageOf(cause)}`, { cause });
  }
}

/** Makes a file's name in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Takes back what `createTarget` made. */
export async function removeTarget(path: string): Promise<void> {
  await unlink(path).catch(() => {}); // somebody else has removed it
}
