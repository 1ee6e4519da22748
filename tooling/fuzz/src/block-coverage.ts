import { type Profiler, Session } from "node:inspector";

/** Which blocks of our own code have run: V8 counts them by itself. */
export interface BlockCoverage {
  /** How many so far. */
  readonly blocks: number;
  /** Whether there are more than when this was asked before. */
  hasGrown(): boolean;
  /** Counts no longer: what was reached so far stays. May be called again. */
  end(): void;
}

const OURS = /\/(?:packages|apps)\/[^/]+\/src\//u;

/** Counts in this thread from here on. */
export function startBlockCoverage(): BlockCoverage {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  // With counts: a block that ran as often as what is around it is told of as one with it, and without counts all that ran would be.
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  const seen = new Set<string>();

  function take(): readonly Profiler.ScriptCoverage[] {
    let taken: readonly Profiler.ScriptCoverage[] = [];
    // To a session of the same thread the answer comes before post() returns.
    session.post("Profiler.takePreciseCoverage", (error, answer) => {
      if (error) throw error;
      taken = answer.result;
    });
    return taken;
  }

  return {
    get blocks() {
      return seen.size;
    },
    hasGrown() {
      const before = seen.size;
      for (const { url, functions } of take()) {
        if (!OURS.test(url)) continue;
        const ranges = functions.flatMap((one) => one.ranges).filter(({ count }) => count > 0);
        for (const { startOffset, endOffset } of ranges) seen.add(`${url}:${startOffset}-${endOffset}`);
      }
      return seen.size > before;
    },
    end() {
      session.disconnect();
    },
  };
}
