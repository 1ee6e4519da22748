/** Work begun and not settled, bounded in number. The first failure is kept. */
export interface WorkInHand {
  /** Begins work; gives a promise to wait for before more is begun, if the bound is reached. */
  begin(work: Promise<void>): Promise<void> | undefined;
  /** Settles when all has, whether well or not. */
  allSettled(): Promise<void>;
  /** Told at once of the first failure, or now if there was one. One listener; undefined takes it away. */
  onFailure(listener: ((reason: unknown) => void) | undefined): void;
  fail(reason: unknown): void;
  /** Throws the first failure. */
  check(): void;
}

export function createWorkInHand(limit: number): WorkInHand {
  let count = 0;
  let failure: { readonly reason: unknown } | undefined;
  let listener: ((reason: unknown) => void) | undefined;
  let waiting: (() => void)[] = [];

  const fail = (reason: unknown): void => {
    failure ??= { reason };
    listener?.(failure.reason);
  };
  const settle = (): void => {
    count--;
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };
  const nextSettled = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
    });

  return {
    begin(work) {
      count++;
      void work.catch(fail).finally(settle);
      return count < limit ? undefined : nextSettled();
    },
    async allSettled() {
      for (;;) {
        if (count === 0) return;
        await nextSettled();
      }
    },
    onFailure(next) {
      listener = next;
      if (failure) next?.(failure.reason);
    },
    fail,
    check() {
      if (failure) throw failure.reason;
    },
  };
}
