import type { Clock } from "./clock.ts";

/** Bytes per second of busy time. Time in which nothing was under way does not count: a paced or idle wire is not slow. */
export interface Meter {
  begin(): void;
  /** Ends what `begin()` began, with the bytes that it has moved. */
  end(bytes: number): void;
  /** Bytes per second; undefined while nothing was measured. */
  readonly rate: number | undefined;
}

/** `memoryMs`: busy milliseconds after which what was measured counts half; default for ever. */
export function createMeter(clock: Clock, memoryMs: number = Infinity): Meter {
  let active = 0;
  let since = 0;
  let busyMs = 0;
  let bytes = 0;
  const tick = (): void => {
    const now = clock.now();
    if (active > 0) busyMs += now - since;
    since = now;
  };
  return {
    begin() {
      tick();
      active++;
    },
    end(moved) {
      tick();
      active--;
      bytes += moved;
      if (busyMs < memoryMs) return;
      busyMs /= 2;
      bytes /= 2;
    },
    get rate() {
      tick();
      return busyMs > 0 && bytes > 0 ? (bytes * 1000) / busyMs : undefined;
    },
  };
}
