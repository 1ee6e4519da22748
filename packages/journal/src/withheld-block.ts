import { LARGEST_FILE, readWhole, removeDurably, writeDurably } from "./durable-file.ts";
import { type JournalFiles, machineFiles } from "./journal-files.ts";
import type { RecordPlace } from "./record-place.ts";

/**
 * Holds the first block of a target that has no place beside it, until commit: an unfinished disk then boots nowhere. Every
 * method settles when the change is durable, and throws `JournalError`. While bytes are held here, they are not on the disk for
 * certain, whatever the record says: write them there, flush, and only then `remove()`.
 */
export interface WithheldBlock {
  /** At most 1 MiB, borrowed until it settles. */
  save(bytes: Uint8Array): Promise<void>;
  /** Given to the caller; undefined if nothing is withheld. */
  load(): Promise<Uint8Array | undefined>;
  remove(): Promise<void>;
}

/** In `<record path>.block0`. */
export function withheldBlock(record: RecordPlace): WithheldBlock {
  return withheldBlockIn(machineFiles, record.path);
}

export function withheldBlockIn(files: JournalFiles, recordPath: string): WithheldBlock {
  const path = `${recordPath}.block0`;
  return {
    async save(bytes) {
      if (bytes.length > LARGEST_FILE) throw new RangeError(`a first block of ${bytes.length} bytes is none`);
      await writeDurably(files, path, bytes);
    },
    load: async () => readWhole(files, path),
    remove: async () => removeDurably(files, path),
  };
}
