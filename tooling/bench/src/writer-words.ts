/** What a writer is started with, as JSON in its first argument. Times are milliseconds. */
export interface WriterOrders {
  /** The disk to write, behind NBD. */
  readonly url: string;
  /** A file that has what nobody has written yet. */
  readonly original: string;
  /** 0: it writes nothing, and only checks. */
  readonly bytesPerSecond: number;
  /** Written before anything counts: until then code is compiled, and memory is had for the first time. */
  readonly warmUpMs: number;
  /** Written then, before it says that it has seen what is usual. */
  readonly idleMs: number;
}

/** What a writer says, one JSON object a line. */
export type WriterSaying =
  /** The time that counts as idle is over. */
  { readonly says: "ready" } | { readonly says: "figures"; readonly figures: WriterFigures };

/** What ends a writer's writing, one JSON object on a line. By the clock of `monotonicMs()`. */
export interface MoveTimes {
  readonly began: number;
  readonly paused: number;
}

/**
 * How long writes took, in milliseconds. From due: from when a write was to be sent, by the schedule, so that what holds the
 * writer itself up hides nothing. Service: from when it was sent. Without writes all are 0.
 */
export interface WriterFigures {
  /** Bytes per second that were written in the idle time, and from the move's begin to the pause: less than ordered if it was too much. */
  readonly idleRate: number;
  readonly bulkRate: number;
  /** Of those due, or for service sent, in these times. */
  readonly p99IdleMs: number;
  readonly p99Ms: number;
  readonly p99IdleServiceMs: number;
  readonly p99ServiceMs: number;
  /** From due, of all that came after the warm-up. */
  readonly longestMs: number;
  /** How many sectors were read back, and had what was written last or what was there before. */
  readonly checked: number;
}

/** One clock for all processes of a machine. Milliseconds. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;
