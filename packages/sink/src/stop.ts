/** Ends waiting: a wait that is under way when it is stopped ends at once, a later one does not begin. */
export interface Stop {
  /** The first one given. */
  readonly reason: Error | undefined;
  stop(reason: Error): void;
  /** Throws the reason. */
  check(): void;
  /** What `promise` gives, unless it is stopped first: then the reason is thrown, and the promise goes its own way. */
  unlessStopped<T>(promise: Promise<T>): Promise<T>;
}

export function createStop(): Stop {
  const listeners = new Set<(reason: Error) => void>();
  let reason: Error | undefined;
  const check = (): void => {
    if (reason) throw reason;
  };
  return {
    get reason() {
      return reason;
    },
    stop(why) {
      if (reason) return;
      reason = why;
      for (const listener of listeners) listener(why);
      listeners.clear();
    },
    check,
    // Once for each read of the wire: one promise, and no more.
    unlessStopped: (promise) =>
      new Promise((resolve, reject) => {
        const settle =
          <T>(end: (value: T) => void) =>
          (value: T): void => {
            listeners.delete(reject);
            end(value);
          };
        promise.then(settle(resolve), settle(reject)); // heard to its end, even when nobody waits for it any more
        if (reason) reject(reason);
        else listeners.add(reject);
      }),
  };
}
