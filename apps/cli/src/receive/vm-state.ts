import { constants } from "node:fs";
import { type FileHandle, lstat, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";

import type { MachineState } from "@blkmig/sink";

import { CommandError, messageOf } from "../command-error.ts";
import { syncFolder } from "./create-target.ts";

/** Only its owner reads it: it is a guest's memory. */
const MODE = 0o600;

/** A file that takes a machine's state. */
export interface VmState extends MachineState {
  /** After a failure: closes and removes what is no whole state. */
  discard(): Promise<void>;
}

/** Before anybody has come: what is there, be it a link to nowhere, is not written over. Throws `CommandError` `refused`. */
export async function assertNothingThere(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there)
    throw new CommandError(
      "refused",
      `--vm-state: ${path} is there already, and is not written over: move it away, or say another file`,
    );
}

/** Of a sender that has no machine: throws `CommandError` `refused` if one's state is waited for. */
export function assertNoStateWanted(path: string | undefined): void {
  if (path === undefined) return;
  throw new CommandError("refused", "--vm-state: this sender is no QEMU, it sends disks alone: leave that option out");
}

/** Makes the file anew: never through a link, never over something that is there. Throws `CommandError` `refused`. */
export async function createVmState(path: string): Promise<VmState> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  let file: FileHandle;
  try {
    file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, MODE);
  } catch (cause) {
    throw new CommandError("refused", `--vm-state: ${path} cannot be made: ${messageOf(cause)}`, { cause });
  }
  return {
    async write(bytes) {
      for (let done = 0; done < bytes.length;) done += (await file.write(bytes, done)).bytesWritten;
    },
    async commit() {
      await file.sync();
      await file.close();
      await syncFolder(dirname(path)); // or the file's name would not survive a power cut
    },
    async discard() {
      await file.close().catch(() => {}); // committed, and closed, before it failed
      await unlink(path).catch(() => {}); // somebody else has removed it
    },
  };
}
