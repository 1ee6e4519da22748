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
    async unlessStopped(promise) {
      promise.catch(() => {}); // nobody waits for it any more, once it is stopped
      check();
      let listener: ((reason: Error) => void) | undefined;
      try {
        return await new Promise((resolve, reject) => {
          listener = reject;
          listeners.add(reject);
          promise.then(resolve, reject);
        });
      } finally {
        if (listener) listeners.delete(listener);
      }
    },
  };
}
