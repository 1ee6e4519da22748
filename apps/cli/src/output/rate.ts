const WINDOW_MS = 1000;

/** Measures how fast a counter grows: tell it the count, it gives the growth per second of about the last second. */
export function createRate(now: () => number): (count: number) => number {
  let from = { at: now(), count: 0 };
  let rate = 0;
  return (count) => {
    const passed = now() - from.at;
    if (passed > 0 && (rate === 0 || passed >= WINDOW_MS)) {
      rate = ((count - from.count) / passed) * 1000;
      if (passed >= WINDOW_MS) from = { at: now(), count };
    }
    return rate;
  };
}
