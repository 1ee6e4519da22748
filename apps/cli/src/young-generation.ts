import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Both halves of the young generation, bytes: some dozens of requests under way need a small part of it. */
const ENOUGH_BYTES = 8 * 1024 * 1024;
/** If more of it is alive after a collection, each has much to copy, and a larger one is collected less often. */
const ALIVE_PART = 1 / 4;

/**
 * Keeps V8's young generation from growing beyond what it is good for, from now on until the process ends.
 *
 * By itself V8 doubles it whenever as much as it holds has survived since the last time, however many collections that took, up to
 * 128 MiB (Node.js 24): half of all the memory of a server whose disk moved while a guest wrote it at 50 MB/s. A most can only
 * be said on Node's command line, which whoever starts the program by its name has not got; by how much it grows is asked each time
 * that it does. Where thousands of requests are under way it may grow all the same: kept at 8 MiB, that took half as much of the
 * processor again. So it may when V8 has shrunk it, as it does in an idle process.
 */
export function boundYoungGeneration(): void {
  let isBound = false;

  function look(): void {
    const { space_size: bytes = 0, space_used_size: alive = 0 } = getHeapSpaceStatistics().find(isYoung) ?? {};
    const isEnough = bytes >= ENOUGH_BYTES && alive < bytes * ALIVE_PART;
    if (isEnough === isBound) return;
    isBound = isEnough;
    setFlagsFromString(`--semi-space-growth-factor=${isBound ? 1 : 2}`);
  }

  // After each collection: that is when it grows, and when what is in it is alive.
  new PerformanceObserver(look).observe({ entryTypes: ["gc"] });
}

function isYoung({ space_name }: { readonly space_name: string }): boolean {
  return space_name === "new_space";
}
