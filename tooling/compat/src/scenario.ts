/** What a migration goes through, as data: it stands in its fixture, and each replay goes through the same. */
export interface Scenario {
  readonly disks: readonly ScenarioDisk[];
  readonly session: {
    /** Bytes. */
    readonly granularity: number;
    readonly frameBytes: number;
    readonly verify: boolean;
    /** Another run of the sending program began it, and the target claims to hold all of every disk. */
    readonly resume: boolean;
    /** Default true. */
    readonly checksums?: boolean;
    /** Whether the targets are let go of before they are sealed. Default false. */
    readonly handOver?: boolean;
  };
  /** What the guest writes behind the first pass, the second, and so on. */
  readonly guest: readonly (readonly GuestWrite[])[];
  /** What breaks each connection, in their order. */
  readonly cuts: readonly Cut[];
  /** How many attempts are taken back after SEALED, since the pause took too long. */
  readonly overruns: number;
  /** Whether the source is cancelled behind its first pass. */
  readonly cancelled: boolean;
  /** Where the sink says that it will serve the disks. */
  readonly serve?: string;
  /** Why the sink takes nothing. */
  readonly refused?: string;
}

export interface ScenarioDisk {
  readonly name: string;
  readonly size: number;
  readonly seed: number;
  /** What the target holds before: garbage everywhere, or most of what it will get. */
  readonly target: "garbage" | "stale";
}

export interface GuestWrite {
  readonly disk: number;
  readonly offset: number;
  readonly length: number;
  /** Of the bytes; 0 writes zeroes. */
  readonly seed: number;
}

/** When the wire breaks. */
export interface Cut {
  /** As soon as the sink has written so many frames of data, or recorded what its targets hold, or the commit. */
  readonly at: { readonly writes: number } | "held" | "committed";
  /** Whether the receiving program ends with it, and another run takes its place. */
  readonly sinkEnds: boolean;
}
