/** What may be done to a guest that writes faster than its writes can be sent. Each is the caller's choice. */
export interface MeasureOptions {
  readonly throttle: boolean;
  readonly mirror: boolean;
}

/** What to do now that a pass has ended. */
type Measure =
  | { readonly do: "go-on" }
  | { readonly do: "throttle"; readonly bytesPerSecond: number }
  | { readonly do: "mirror" }
  | { readonly do: "despair" }; // passes do not pay, and nothing more is allowed: told once

/** A pass pays if it leaves at most this part of what the one before it left. */
const PAYS = 0.75;
/** So many passes in a row may fail to pay before the next step. */
const PATIENCE = 2;
/** Parts of the bandwidth that are left to the guest, one step after the other. */
const THROTTLES = [1 / 2, 1 / 4, 1 / 16, 1 / 64] as const;

/** Chooses, pass by pass: passes while they pay, then throttling step by step, then mirroring. Pure but for its memory. */
export interface Measures {
  /** A dirty pass has ended and left so many bytes, at so many bytes per second. */
  afterPass(left: number, bandwidth: number | undefined): Measure;
  /** Begins again: the guest is left alone. */
  reset(): void;
}

export function createMeasures({ throttle, mirror }: MeasureOptions): Measures {
  let before = Infinity;
  let unpaid = 0;
  let step = 0;
  let ended = false;

  const next = (bandwidth: number): Measure => {
    const part = throttle ? THROTTLES[step] : undefined;
    if (part !== undefined) {
      step++;
      return { do: "throttle", bytesPerSecond: Math.max(1, Math.floor(bandwidth * part)) };
    }
    if (ended) return { do: "go-on" };
    ended = true;
    return mirror ? { do: "mirror" } : { do: "despair" };
  };

  return {
    afterPass(left, bandwidth) {
      unpaid = left <= before * PAYS ? 0 : unpaid + 1;
      before = left;
      if (unpaid < PATIENCE || bandwidth === undefined) return { do: "go-on" };
      unpaid = 0;
      return next(bandwidth);
    },
    reset() {
      before = Infinity;
      unpaid = 0;
      step = 0;
      ended = false;
    },
  };
}
