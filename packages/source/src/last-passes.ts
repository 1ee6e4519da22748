/** A rest that takes no longer is not worth a pass, milliseconds. */
const SHORT_MS = 10;
const MOST_PASSES = 3;
/** Who allows a longer pause wants the end more than a short one. */
const LONGEST_LIMIT_MS = 1000;

/** Passes made although the guest could be paused already: they take what they save, and the guest waits for half as long. */
export interface LastPasses {
  /** Whether one more is worth it, where sending the rest in the pause would take so long; then it counts as made. */
  pays(restMs: number, downtimeLimit: number): boolean;
}

/** A few, and only while each leaves at most half of what the one before left: a guest that writes steadily gets no further. */
export function createLastPasses(): LastPasses {
  let made = 0;
  let last = Infinity;
  return {
    pays(restMs, downtimeLimit) {
      if (made === MOST_PASSES || downtimeLimit > LONGEST_LIMIT_MS) return false;
      if (restMs <= SHORT_MS || restMs > last / 2) return false;
      made++;
      last = restMs;
      return true;
    },
  };
}
