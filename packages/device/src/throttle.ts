import type { Clock } from "./clock.ts";

/** Milliseconds of idleness that may be made up for at once: enough for a timer that wakes late. */
const BURST_MS = 50;

/** Lets requests begin in the order in which they came, at so many bytes a second. */
export interface Throttle {
  /** Bytes a second, from now on and for what waits already; undefined lets all of it go. Otherwise positive, or `RangeError`. */
  setRate(bytesPerSecond: number | undefined): void;
  /** Whether a request may begin without `enter()`: there is no rate, none waits and nothing is held. */
  isOpen(): boolean;
  /** Calls `begin` when the turn of these bytes has come: before it returns, if none waits and the rate permits it. */
  enter(bytes: number, begin: () => void): void;
  /** Lets nobody begin until `release()`. */
  hold(): void;
  release(): void;
}

/** A throttle without a rate yet, that is not held. */
export function createThrottle(clock: Clock): Throttle {
  const waiting: { readonly bytes: number; readonly begin: () => void }[] = [];
  let rate: number | undefined;
  /** When all that has begun is paid for. */
  let freeAt = 0;
  let isHeld = false;
  let alarm: AbortController | undefined;

  function beginDue(): void {
    alarm?.abort();
    while (!isHeld) {
      const first = waiting[0];
      if (first === undefined) return;
      const wait = rate === undefined ? 0 : freeAt - clock.now();
      if (wait > 0) return void beginLater(wait);
      waiting.shift();
      spend(first.bytes);
      first.begin();
    }
  }

  async function beginLater(ms: number): Promise<void> {
    alarm?.abort(); // a request that begins may make another one, which then set it
    const { signal } = (alarm = new AbortController());
    await clock.sleep(ms, signal);
    if (!signal.aborted) beginDue();
  }

  /** A request is paid for after it has begun: one that is larger than a burst must not wait forever. */
  function spend(bytes: number): void {
    if (rate === undefined) return;
    freeAt = Math.max(freeAt, clock.now() - BURST_MS) + (bytes * 1000) / rate;
  }

  return {
    setRate(next) {
      if (next !== undefined && !(next > 0 && next < Infinity)) {
        throw new RangeError(`a rate of ${next} bytes a second is not positive`);
      }
      const now = clock.now();
      // What has begun is owed in bytes: at a hundred times the rate it is paid in a hundredth of the time.
      const owed = rate === undefined ? 0 : Math.max(0, freeAt - now) * rate;
      freeAt = next === undefined ? now : now + owed / next;
      rate = next;
      beginDue();
    },
    isOpen: () => rate === undefined && !isHeld && waiting.length === 0,
    enter(bytes, begin) {
      waiting.push({ bytes, begin });
      // With others before it, somebody calls already: the clock, or release().
      if (waiting.length === 1) beginDue();
    },
    hold() {
      isHeld = true;
    },
    release() {
      isHeld = false;
      beginDue();
    },
  };
}
