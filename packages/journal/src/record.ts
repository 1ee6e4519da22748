/** What both kinds of record say. */
export interface AnyRecord {
  /** The migration's id. */
  readonly migration: string;
  /** The disk's name in the migration. */
  readonly disk: string;
  /** Bytes. */
  readonly size: number;
  /** Which attempt at the switchover `state` speaks of; 0 before the first. */
  readonly attempt: number;
  /** Of several disks of one migration one record decides: the path of that one's record, in all others. */
  readonly decidedBy?: string;
  /** In the record that decides: the paths of the others. */
  readonly decides?: readonly string[];
  /** When this was written, as an ISO time. For people: nothing is decided by it. */
  readonly at: string;
}

/** What is known of a disk that a migration writes. */
export interface TargetRecord extends AnyRecord {
  readonly role: "target";
  /** `incomplete` until the decision: `sealed` k (everything is here, the source decides), `committed` k, `aborted` k (incomplete again). */
  readonly state: "incomplete" | "sealed" | "committed" | "aborted";
  /** Runs that were flushed before this was written; a hint, to be hashed before it is believed. At most 2048: more are joined over their smallest gaps. */
  readonly held: readonly (readonly [offset: number, length: number])[];
  /** The source stays a disk too. */
  readonly clone?: boolean;
  /** Where it comes from, for people. */
  readonly from?: string;
}

/** What is known of a disk that a migration sends. */
export interface SourceRecord extends AnyRecord {
  readonly role: "source";
  /** `asked` k: commit was asked for and its outcome is not recorded (in doubt); `moved`: the disk's owner is elsewhere; `cloned`: it went, and stays a disk here too; `kept`: it did not go. */
  readonly state: "sending" | "asked" | "moved" | "cloned" | "kept";
  /** Where it goes, for people. */
  readonly to?: string;
  /** The migration that brought the disk here, if one did: whoever is linked to it knows it by that. */
  readonly brought?: string;
  /** The NBD server, as a URL without an export, to which this side passes its clients on once it has moved. */
  readonly serve?: string;
}

/** What a record says, whichever end wrote it. */
export type DiskRecord = TargetRecord | SourceRecord;
