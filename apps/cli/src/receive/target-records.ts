import { unlink } from "node:fs/promises";
import { dirname } from "node:path";

import { type BlockDevice } from "@blkmig/device";
import { JournalError, openTargetJournal, type OpenTargetJournal, readRecord, withheldBlock } from "@blkmig/journal";
import { withholdFirstBlock } from "@blkmig/sink";

import { CommandError } from "../command-error.ts";
import { syncFolder } from "./create-target.ts";
import type { OpenTarget } from "./open-targets.ts";

/** A target with the device to write it by. */
export interface RecordedTarget {
  readonly target: OpenTarget;
  /** As large as its disk. */
  readonly device: BlockDevice;
}

/** Opens the records of targets that have been admitted; a damaged one, which was forced, is removed. Throws `CommandError` `refused`. */
export async function openRecords(targets: readonly RecordedTarget[]): Promise<OpenTargetJournal> {
  try {
    for (const { target } of targets) await removeIfDamaged(target.place.path);
    return await openTargetJournal(
      targets.map(({ target, device }) => ({ name: target.name, size: device.size, record: target.place })),
    );
  } catch (cause) {
    if (cause instanceof JournalError) throw new CommandError("refused", cause.message, { cause });
    throw cause;
  }
}

async function removeIfDamaged(path: string): Promise<void> {
  try {
    await readRecord(path);
  } catch (error) {
    if (!(error instanceof JournalError) || error.code !== "damaged") throw error;
    await unlink(path);
    await syncFolder(dirname(path));
  }
}

/** The first blocks of targets that have no place beside them. */
export interface WithheldBlocks {
  /** To be written by, in order. */
  readonly devices: readonly BlockDevice[];
  /** Before SEALED is recorded. */
  keep(): Promise<void>;
  /** Before COMMITTED is recorded. */
  release(): Promise<void>;
}

/** Marked in the state directory alone, an unfinished disk could be booted by whoever does not look there. */
export function withholdFirstBlocks(targets: readonly RecordedTarget[]): WithheldBlocks {
  const withheld = targets.map(({ target, device }) => {
    const store = withheldBlock(target.place);
    return {
      store,
      ...withholdFirstBlock(device, { save: async (bytes) => store.save(bytes) }),
      target,
      plain: device,
    };
  });
  const apart = withheld.filter(({ target }) => !target.place.beside);
  return {
    devices: withheld.map(({ target, device, plain }) => (target.place.beside ? plain : device)),
    async keep() {
      for (const block of apart) await block.keep();
    },
    async release() {
      for (const block of apart) {
        await block.release();
        await block.store.remove(); // not before it is on its disk
      }
    },
  };
}
