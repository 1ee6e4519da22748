import type { JournalFiles } from "./journal-files.ts";
import type { RecordPlace } from "./record-place.ts";

/** A disk of a migration, and where its record is kept. */
export interface JournaledDisk {
  /** Its name in the migration. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly record: RecordPlace;
}

/** What journals need of the world. */
export interface JournalWorld {
  readonly files: JournalFiles;
  readonly now: () => Date;
}
