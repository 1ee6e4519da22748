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
  /** Told of a request that leaves the disk: whoever makes one has not checked what it was asked for. */
  readonly onOutside?: (what: string) => void;
}

/** A disk whose requests are seen. */
export function gaugedDevice(device: BlockDevice, { reads, written, changes, onOutside }: Gauges): BlockDevice {
  const look = (what: string, offset: number, length: number): void => {
    if (offset >= 0 && length >= 0 && offset + length <= device.size) return;
    onOutside?.(`law 7: a ${what} of ${length} bytes at ${offset} leaves ${device.name}, which has ${device.size}`);
  };
  return {
    ...device,
    extents(offset, length) {
      look("question", offset, length);
      return device.extents(offset, length);
    },
    async read(offset, into) {
      look("read", offset, into.length);
      return within(reads, 1, () => device.read(offset, into));
    },
    async write(offset, data) {
      const length = lengthOf(data);
      look("write", offset, length);
      return within(changes, 1, () => within(written, length, () => device.write(offset, data)));
    },
    async zero(offset, length, options) {
      look("zero", offset, length);
      return within(changes, 1, () => device.zero(offset, length, options));
    },
  };
}

const within = <T>(gauge: Gauge | undefined, amount: number, act: () => Promise<T>): Promise<T> =>
  gauge ? gauge.during(amount, act) : act();

const lengthOf = (data: Segments): number => data.reduce((sum, { length }) => sum + length, 0);

/** A disk of which every change is told before it is made. */
export function watchedDevice(device: BlockDevice, onChange: () => void): BlockDevice {
  return {
    ...device,
    extents: (offset, length) => device.extents(offset, length),
    async write(offset, data) {
      onChange();
      await device.write(offset, data);
    },
    async zero(offset, length, options) {
      onChange();
      await device.zero(offset, length, options);
    },
  };
}
