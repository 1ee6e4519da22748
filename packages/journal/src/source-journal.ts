import type { SourceRecord } from "./record.ts";

/** What is said of a migration when it begins, for people and for `blkmig status`. */
export interface AboutSource {
  readonly to?: string;
}

/** Where the clients of the disks go, if they are passed on: a source that starts again must know it. */
export interface PassedOn {
  readonly serve?: string;
}

/**
 * One migration's records of all its sources. Every method settles when the change is durable; called at once, they act in
 * order. Throws `JournalError`, and `TypeError` where it would make a disk that has moved this side's again.
 */
export interface SourceJournal {
  /** SENDING, on all disks. */
  begin(migration: string, about?: AboutSource): Promise<void>;
  /** ASKED k, before COMMIT k is sent: in doubt until its outcome is recorded. Attempts count from 1 and grow. */
  asked(attempt: number, on?: PassedOn): Promise<void>;
  /** After a known abort, or an end without commit: the disks are this side's. */
  kept(): Promise<void>;
  /** No sink has heard of it: the records are as they were before `begin()`. Throws `TypeError` once commit was asked for. */
  forget(): Promise<void>;
  /** The disks' owner is elsewhere. Before any held request of the guest is released. */
  moved(attempt: number, how: "moved" | "cloned", on?: PassedOn): Promise<void>;
}

/** What was there before: of several disks the record that binds most, `moved` before `asked` before the others. */
export interface FoundSource {
  readonly migration: string;
  readonly state: SourceRecord["state"];
  readonly attempt: number;
}
