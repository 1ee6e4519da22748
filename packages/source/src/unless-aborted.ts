/** What the work gives, or the signal's reason as soon as it aborts. Leaves nothing at a signal that lives on. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onEnd: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onEnd = () => reject(signal.reason as Error);
    if (signal.aborted) onEnd();
    else signal.addEventListener("abort", onEnd, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onEnd!);
  }
}
