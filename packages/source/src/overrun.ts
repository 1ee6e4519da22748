/** How often a pause may take too long before it is let take its time. */
const MOST_OVERRUNS = 3;

/** A pause took longer than the downtime limit before commit was asked for: the guest goes on, for more passes. */
export class Overrun extends Error {
  constructor(ms: number, limit: number) {
    super(
      `the pause would have taken longer than ${limit} ms (${Math.round(ms)} ms so far): the guest goes on for now`,
    );
  }
}

interface LongPause {
  /** Milliseconds. */
  readonly ms: number;
  readonly limit: number;
  /** Whether the migration could still go on with the guest resumed. */
  readonly mayGoBack: boolean;
}

/** Decides what becomes of the pauses of one migration that take longer than the downtime limit. */
export interface Overruns {
  /** Gives what ends this pause; undefined: it goes on. */
  judge(pause: LongPause): Overrun | undefined;
  /** That pause is over, and the guest goes on. */
  count(overrun: Overrun): void;
}

/** Without a rule no pause is too long: nobody could go on with anything else. */
export function createOverruns(rule: "resume" | "finish" | undefined, warn: (message: string) => void): Overruns {
  let counted = 0;
  let isWarned = false;
  return {
    judge({ ms, limit, mayGoBack }) {
      if (rule === "resume" && mayGoBack && counted < MOST_OVERRUNS) return new Overrun(ms, limit);
      if (rule !== undefined && !isWarned) warn(`the pause takes longer than ${limit} ms, and is not given up`);
      isWarned = true;
      return undefined;
    },
    count({ message }) {
      counted++;
      warn(message);
      if (counted < MOST_OVERRUNS) return;
      warn(`after ${counted} such pauses the next one takes as long as it needs`);
      isWarned = true;
    },
  };
}
