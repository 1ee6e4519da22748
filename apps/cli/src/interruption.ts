export const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Runs with a signal that aborts on SIGINT and SIGTERM. They end nothing by themselves, the second no more than the
 * first: only the migration knows whether the source may be let go of.
 */
export async function withInterruption<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onSignal = (): void => controller.abort();
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    return await run(controller.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}

/** Settles when the signal aborts; never without one, or once `until` has aborted: then nothing waits at the signal any more. */
export function aborted(signal: AbortSignal, until?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true, ...(until && { signal: until }) });
  });
}

/** What the promise gives; undefined if the signal aborts first. A signal that outlives many of these keeps none of them. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const settled = new AbortController();
  try {
    return await Promise.race([promise, aborted(signal, settled.signal).then(() => undefined)]);
  } finally {
    settled.abort();
  }
}
