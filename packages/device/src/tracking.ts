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
  /** Ends and forgets. Twice is once. */
  stop(): Promise<void>;
}

/** The hand on whoever writes the disk. */
export interface Guest {
  /**
   * Holds new requests, and settles when every request that had begun has landed, is marked and can be answered.
   * On failure nothing is held.
   */
  pause(): Promise<void>;
  /** Lets the held requests go, in the order in which they came. Without a pause: nothing. */
  resume(): Promise<void>;
}
