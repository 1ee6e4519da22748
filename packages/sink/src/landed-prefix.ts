/** Frames are counted as they come and land in any order: how many of the first have all landed. */
export interface LandedPrefix {
  /** Counts a frame that has come; gives its place in the order. */
  receive(): number;
  land(place: number): void;
  readonly received: number;
  /** The longest beginning of all that came which has landed. */
  readonly written: number;
  /** Settles when the first `count` have landed. */
  reached(count: number): Promise<void>;
}

export function createLandedPrefix(onGrowth: () => void): LandedPrefix {
  const early = new Set<number>(); // landed before one in front of them: no more than are under way
  const waiting = new Set<{ readonly count: number; readonly resolve: () => void }>();
  let received = 0;
  let written = 0;

  const wake = (): void => {
    for (const waiter of waiting) {
      if (waiter.count > written) continue;
      waiting.delete(waiter);
      waiter.resolve();
    }
  };

  return {
    receive: () => received++,
    land(place) {
      early.add(place);
      const before = written;
      while (early.delete(written)) written++;
      if (written === before) return;
      wake();
      onGrowth();
    },
    get received() {
      return received;
    },
    get written() {
      return written;
    },
    reached: (count) =>
      new Promise((resolve) => {
        waiting.add({ count, resolve });
        wake();
      }),
  };
}
