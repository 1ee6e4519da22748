import type { BlockDevice } from "@blkmig/device";
import type { RecordPlace, SourceRecord, TargetRecord } from "@blkmig/journal";
import type { NbdUrl } from "@blkmig/nbd";
import type { MigrationEvent, MigrationResult, Statistics } from "@blkmig/source";

import type { AnyDisk } from "../disks/any-disk.ts";
import type { Fields } from "../output/json-lines.ts";
import type { Output, Warn } from "../output/output.ts";
import type { SendPlace } from "../send/send-options.ts";
import type { SessionChoices } from "../send/session-choices.ts";

/** What becomes of a disk's clients when it has moved. */
export type After = "forward" | "close" | "hold";

/** A disk to serve, open; given to the live server, which closes it. */
export interface LiveDiskParts {
  readonly name: string;
  readonly disk: AnyDisk;
  /** As large as the disk is, and not more. */
  readonly device: BlockDevice;
  readonly place: RecordPlace;
  readonly record: SourceRecord | TargetRecord | undefined;
  readonly readOnly: boolean;
}

/**
 * Who answers the clients of a disk.
 * - `waiting`: nobody yet, their requests are held (a target before its commit)
 * - `local`: the disk here
 * - `held`: nobody, their requests are held: a switchover, `--after hold`, or a record that could not be written
 * - `in-doubt`: nobody, until it is known whether it was committed
 * - `forwarding`: its new owner, over a link of ours
 * - `closed`: nobody any more: `--after close`
 * - `failed`: nobody any more; `why` says what happened to the new owner
 */
export type LiveState = "waiting" | "local" | "held" | "in-doubt" | "forwarding" | "closed" | "failed";

export interface LiveDiskView {
  readonly name: string;
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly readOnly: boolean;
  readonly state: LiveState;
  /** For `forwarding`: where to, without secrets. For `failed`: what happened. */
  readonly to?: string;
  readonly why?: string;
  readonly clients: readonly string[];
}

/** What `blkmig send --from` asks for. */
export interface MoveOptions extends SendPlace {
  /** Names; undefined: all that are served here. */
  readonly disks: readonly string[] | undefined;
  readonly session: SessionChoices;
  readonly after: After;
  /** Where to forward; undefined: where the receiver says it serves. Its export name is not used. */
  readonly forwardTo: NbdUrl | undefined;
  readonly maxBandwidth: number | undefined;
  /** Milliseconds. */
  readonly downtimeLimit: number;
  readonly throttle: boolean;
  readonly mirror: boolean;
  /** Clear text to another machine: for forwarding. */
  readonly insecure: boolean;
}

export interface MoveResult extends MigrationResult {
  /** Milliseconds in which the clients' requests were held: from the pause until they were let go, at the new owner if it is forwarded. */
  readonly downtime: number;
  readonly migration: string;
  readonly after: After;
  /** Where the disks are served now, if they are. */
  readonly serve?: string;
}

export interface LiveStatus {
  readonly nbd: readonly string[];
  readonly disks: readonly LiveDiskView[];
  /** The migration that runs, or the last one. */
  readonly migration?: {
    readonly id?: string;
    readonly to: string;
    readonly disks: readonly string[];
    readonly statistics: Statistics;
    /** Of one that is over. */
    readonly ended?: "completed" | "failed" | "cancelled" | "in-doubt";
    readonly message?: string;
  };
}

/** What one live server has all its life. */
export interface LiveServerOptions {
  readonly disks: readonly LiveDiskParts[];
  /** Where NBD is spoken. */
  readonly nbd: readonly NbdUrl[];
  /** Bytes: the grain of tracking. */
  readonly granularity: number;
  readonly stateDir: string | undefined;
  /** The disks are targets of a migration, and nobody is answered before `open()`. */
  readonly waiting: boolean;
  /** With `waiting`: the migration that brings them, which is on record only later. Who is linked to them knows them by it. */
  readonly migration?: string;
  /** Clear text to another machine: for forwarding what has moved before. */
  readonly insecure: boolean;
  /** Gives a device that does the same, measured; what clients use. */
  readonly meter?: ((device: BlockDevice) => BlockDevice) | undefined;
  /** One sentence, for people. */
  readonly say: Output["say"];
  readonly warn: Warn;
}

/** Disks that are served over NBD with their writes tracked, and moved while they are. */
export interface LiveServer {
  /** With real ports. */
  readonly nbd: readonly string[];
  status(): LiveStatus;
  /** With `waiting`: the disks are this server's from now on. */
  open(): void;
  /**
   * Moves disks, one migration at a time. Throws what `migrate` throws, `CommandError` `refused`, and `InDoubt`; unless it was
   * committed, or may have been, the clients are answered here again.
   */
  move(options: MoveOptions, hooks: MoveHooks): Promise<MoveResult>;
  /** Cancels the migration that runs, if it may still be; gives whether one runs. */
  cancel(): boolean;
  /** For the migration that runs; `maxBandwidth` null: none. Throws `CommandError` `refused` if none runs. */
  setLimits(limits: { readonly maxBandwidth?: number | null; readonly downtimeLimit?: number }): void;
  /** Ends, by hand, a migration that is in doubt: recorded first, then the clients are answered here, or at the new owner. */
  resolve(migration: string, verdict: "keep" | "gone"): Promise<void>;
  /** Settles when no disk is left to serve: all are `closed`. */
  readonly over: Promise<void>;
  /**
   * Cancels a migration that may be, waits for one that may not, hangs up on clients when what they asked for is answered, flushes,
   * and lets go of the disks. Throws `InDoubt` if one is left in doubt, and `DeviceError` if a flush failed.
   */
  close(): Promise<void>;
}

export interface MoveHooks {
  /** Its abort cancels. */
  readonly signal?: AbortSignal;
  readonly onEvent: (event: MigrationEvent) => void;
  /** What else scripts are told: `listening`, where the receiver shall dial. */
  readonly event?: (event: string, fields: Fields) => void;
  readonly say: (message: string) => void;
  readonly warn: (message: string) => void;
}
