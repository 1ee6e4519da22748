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

/** What one small piece of code takes. */
export interface MicroFigure {
  readonly name: string;
  readonly perSecond: number;
  readonly nanoseconds: number;
  /** That one call handles. */
  readonly bytes?: number;
}

/** A run of the bench, as it is kept: documents are made of it. */
export interface Results {
  readonly command: string;
  /** Of the run: 2026-01-31. */
  readonly date: string;
  readonly machine: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  /** Programs of the field that are not installed. */
  readonly missing: readonly string[];
  readonly rounds: number;
  readonly titles: Readonly<Record<string, string>>;
  readonly series: readonly Series[];
  readonly micro: readonly MicroFigure[];
  /** Sentences about what was not measured. */
  readonly notes: readonly string[];
}
