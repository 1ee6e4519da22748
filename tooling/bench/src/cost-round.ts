import { createHook } from "node:async_hooks";
import { PerformanceObserver } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";

/** What one block costs: bytes of heap, bytes of memory outside of it (buffers), promises. */
export interface Cost {
  readonly heap: number;
  readonly buffers: number;
  readonly promises: number;
}

type Memory = Pick<Cost, "heap" | "buffers">;
type Act = () => void | Promise<void>;

/** What is allocated meanwhile; "collected" if some of it was collected, so that nobody knows. */
export async function memoryOf(act: Act): Promise<Memory | "collected"> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => void (collections += list.getEntries().length));
  observer.observe({ entryTypes: ["gc"] });
  try {
    collectGarbage();
    await told();
    collections = 0;
    const before = process.memoryUsage();
    await act();
    const after = process.memoryUsage();
    await told();
    if (collections > 0) return "collected";
    return { heap: after.heapUsed - before.heapUsed, buffers: after.arrayBuffers - before.arrayBuffers };
  } finally {
    observer.disconnect();
  }
}

/** How many promises are made meanwhile. Watching them makes them dearer: not to be done before memory is measured. */
export async function promisesOf(act: Act): Promise<number> {
  let promises = 0;
  const hook = createHook({
    init(_id, type) {
      if (type === "PROMISE") promises++;
    },
  });
  hook.enable();
  try {
    await act();
    return promises;
  } finally {
    hook.disable();
  }
}

/** An observer is told of a collection one turn of the event loop after it. */
async function told(): Promise<void> {
  await turn();
  await turn();
}

function collectGarbage(): void {
  if (!globalThis.gc) throw new Error("costs are measured by a node with --expose-gc");
  globalThis.gc();
}
