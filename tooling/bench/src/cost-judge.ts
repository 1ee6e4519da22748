import type { Costs } from "./cost-figures.ts";
import type { Cost } from "./cost-round.ts";

export const ACCEPT = "pnpm --filter @blkmig/bench cost --accept";

interface Tolerance {
  readonly what: string;
  /** Parts of what it was. */
  readonly more: number;
  readonly less: number;
  /** Where what it was is next to nothing. */
  readonly slack: number;
}

/** Memory is counted to some per cent, promises exactly. */
const TOLERANCES: Readonly<Record<keyof Cost, Tolerance>> = {
  heap: { what: "bytes of heap", more: 0.15, less: 0.3, slack: 64 },
  buffers: { what: "bytes of buffers", more: 0.15, less: 0.3, slack: 256 },
  promises: { what: "promises", more: 0, less: 0, slack: 0.5 },
};

/** What costs another than it did, one sentence each; none if all is well. */
export function judgeCosts(before: Costs, now: Costs): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return Array.from(names, (name) => judgeJob(name, before[name], now[name])).flat();
}

function judgeJob(name: string, before: Cost | undefined, now: Cost | undefined): readonly string[] {
  if (!before) return [`${name}: nothing is known of what it cost before; accept it: ${ACCEPT}`];
  if (!now) return [`${name}: it has a baseline, and nobody measures it; let it go: ${ACCEPT}`];
  return (Object.keys(TOLERANCES) as (keyof Cost)[]).flatMap((figure) => {
    const verdict = judgeFigure(TOLERANCES[figure], before[figure], now[figure]);
    return verdict === undefined ? [] : [`${name}: ${verdict}`];
  });
}

function judgeFigure({ what, more, less, slack }: Tolerance, before: number, now: number): string | undefined {
  const change = `from ${before} to ${now} ${what} a block`;
  if (now > before * (1 + more) + slack) return `it grew ${change}; if that is worth it, accept it: ${ACCEPT}`;
  if (now < before * (1 - less) - slack) return `it fell ${change}; keep that, accept it: ${ACCEPT}`;
  return undefined;
}
