/** Rejects with the signal's reason when it aborts, or at once. */
export function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onEnd = (): void => reject(signal.reason as Error);
    if (signal.aborted) onEnd();
    else signal.addEventListener("abort", onEnd, { once: true });
  });
}
