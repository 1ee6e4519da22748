/** Runs work on extents of one disk side by side, but what overlaps one after the other, in the order in which it came. */
export interface OverlapOrder {
  /** Begins when all earlier overlapping work has settled, however. Settles as `work` does. */
  run(offset: number, length: number, work: () => Promise<void>): Promise<void>;
}

interface Entry {
  readonly start: number;
  readonly end: number;
  settled: Promise<void>;
}

export function createOverlapOrder(): OverlapOrder {
  const active = new Set<Entry>();
  return {
    run(offset, length, work) {
      const entry: Entry = { start: offset, end: offset + length, settled: Promise.resolve() };
      const earlier = [...active].filter(({ start, end }) => start < entry.end && entry.start < end);
      const done = earlier.length === 0 ? work() : Promise.all(earlier.map(({ settled }) => settled)).then(work);
      active.add(entry);
      const leave = (): void => {
        active.delete(entry);
      };
      entry.settled = done.then(leave, leave);
      return done;
    },
  };
}
