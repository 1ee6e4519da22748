/** What one program did at one job, a sample a round. */
export interface Series {
  readonly job: string;
  /** The kind of file system: "tmpfs", "disk". */
  readonly place: string;
  readonly program: string;
  readonly samples: readonly Sample[];
}

/** One run of one program. What nothing could tell is left out. */
export interface Sample {
  /** From the spawn of the sending program to the end of the copy. */
  readonly seconds: number;
  /** User and system time of every process of both ends. */
  readonly cpuSeconds?: number;
  /** Of the largest process of each end. */
  readonly peakMiB?: readonly [sender: number, receiver: number];
  readonly wireBytes?: number;
  readonly extra?: Readonly<Record<string, number>>;
}
