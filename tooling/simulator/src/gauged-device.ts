import type { BlockDevice, Segments } from "@blkmig/device";

import type { Bound } from "./check-laws.ts";

/** How much of something there is at once. */
export interface Gauge {
  readonly bound: Bound;
  during<T>(amount: number, act: () => Promise<T>): Promise<T>;
  /** What there is now. */
  readonly now: number;
}

export function createGauge(allowed: number): Gauge {
  let now = 0;
  let seen = 0;
  return {
    get bound() {
      return { seen, allowed };
    },
    get now() {
      return now;
    },
    async during(amount, act) {
      now += amount;
      seen = Math.max(seen, now);
      try {
        return await act();
      } finally {
        now -= amount;
      }
    },
  };
}

export interface Gauges {
  /** Reads, each as one. */
  readonly reads?: Gauge;
  /** Writes, by their bytes. */
  readonly written?: Gauge;
  /** Whatever changes the disk, each as one. */
  readonly changes?: Gauge;
}

/** A disk whose requests are seen. */
export function gaugedDevice(device: BlockDevice, { reads, written, changes }: Gauges): BlockDevice {
  return {
    ...device,
    extents: (offset, length) => device.extents(offset, length),
    read: (offset, into) => within(reads, 1, () => device.read(offset, into)),
    write: (offset, data) =>
      within(changes, 1, () => within(written, lengthOf(data), () => device.write(offset, data))),
    zero: (offset, length, options) => within(changes, 1, () => device.zero(offset, length, options)),
  };
}

const within = <T>(gauge: Gauge | undefined, amount: number, act: () => Promise<T>): Promise<T> =>
  gauge ? gauge.during(amount, act) : act();

const lengthOf = (data: Segments): number => data.reduce((sum, { length }) => sum + length, 0);
