import type { Segments } from "./block-device.ts";

/** What was written, of one disk, in runs of whole granules (the last one clipped to the disk). */
export interface DirtySet {
  /** Bytes: a power of two from 512 to 1 MiB. */
  readonly granularity: number;
  /** In order, not touching. */
  runs(): Iterable<{ readonly offset: number; readonly length: number }>;
}

/** Says what a guest has written since it was last asked. */
export interface Tracker {
  /** Begins; all is clean. Throws if it cannot, and then nothing is tracked. */
  start(): Promise<void>;
  /** What was marked since the last `sync()` (or `start()`), one set a disk in their order, all at one instant. */
  sync(): Promise<readonly DirtySet[]>;
  /** Ends and forgets, and with it any throttling and mirroring of the guest. Twice is once. */
  stop(): Promise<void>;
}

/** The hand on whoever writes the disk. */
export interface Guest {
  /**
   * Holds new requests, and settles when every request that had begun has landed, is marked or carried, and can be
   * answered. On failure nothing is held. "not-yet": it could not come to rest soon enough; nothing is held, and it may be
   * asked again later.
   */
  pause(): Promise<void | "not-yet">;
  /** Lets the held requests go, in the order in which they came. Without a pause: nothing. */
  resume(): Promise<void>;
  /**
   * Holds requests that change the disk to so many bytes a second, each before it begins; undefined lets them go. A new
   * rate is for those that wait too. A rate that is not positive is a `RangeError`.
   */
  throttle?(bytesPerSecond: number | undefined): void;
  /**
   * From now on each request that changes the disk is also carried by `mirror`; undefined ends that: requests begun still
   * finish it.
   */
  mirror?(mirror: Mirror | undefined): void;
}

/** Where a migration takes a guest's writes synchronously: the source has them first, then the sink, then the answer. */
export interface Mirror {
  /**
   * Before the write begins at the source: settles when nothing is in flight on its granules and no other mirrored write
   * overlaps them; until `end()` none begins. If it rejects, the write goes on unmirrored, and is marked.
   */
  begin(disk: number, offset: number, length: number): Promise<MirroredWrite>;
}

/** One write on its way to both ends. */
export interface MirroredWrite {
  /**
   * After it has landed at the source: settles when the sink has it too. Borrows `data` until it settles. Throws if the
   * sink may not have it: the write is marked then.
   */
  carry(data: Segments | "zero"): Promise<void>;
  /** Always called once, whatever happened; after the mark, if there was one. */
  end(): void;
}
