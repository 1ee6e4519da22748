import type { Target } from "./target.ts";

/** Neighbouring zero frames, joined: a terabyte of them is one hole to punch, not a million. */
export interface ZeroRun {
  /** Takes a zero extent; gives the run before it if they are no neighbours. */
  add(target: Target, offset: number, length: number): JoinedZeroes | undefined;
  /** Gives what has been joined so far, and forgets it. */
  take(): JoinedZeroes | undefined;
}

export interface JoinedZeroes {
  readonly target: Target;
  readonly offset: number;
  readonly length: number;
}

export function createZeroRun(): ZeroRun {
  let target: Target | undefined;
  let start = 0;
  let end = 0;
  const take = (): JoinedZeroes | undefined => {
    const joined = target && { target, offset: start, length: end - start };
    target = undefined;
    return joined;
  };
  return {
    add(next, offset, length) {
      if (target === next && offset === end) {
        end += length;
        return undefined;
      }
      const before = take();
      target = next;
      start = offset;
      end = offset + length;
      return before;
    },
    take,
  };
}
