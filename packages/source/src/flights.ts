/** Reads and sends begun and not settled. The first failure is kept and thrown to whoever waits, now or later. */
export interface Flights {
  readonly count: number;
  /** Begins one. Its failure fails all. */
  begin(work: () => Promise<void>): void;
  /** Settles when the next one settles, or stirs; throws the failure. At once if there is none under way. */
  firstSettled(): Promise<void>;
  /** Settles when the next one settles, or stirs, or all fail; never throws. */
  next(): Promise<void>;
  /** One has come so far that whoever waits should look again. */
  stir(): void;
  /** Settles when all have, whether well or not; never throws. */
  allSettled(): Promise<void>;
  /** Fails all waiting, now and later, for a reason from outside. The first reason stays. */
  fail(reason: unknown): void;
  /** Throws the failure, if there is one. */
  check(): void;
  /** Forgets the failure: those that were under way have settled, and work may begin again. */
  forget(): void;
}

export function createFlights(): Flights {
  let count = 0;
  let failure: { readonly reason: unknown } | undefined;
  let waiting: (() => void)[] = [];

  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };
  const nextWake = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
    });
  const fail = (reason: unknown): void => {
    failure ??= { reason };
    wake();
  };
  const check = (): void => {
    if (failure) throw failure.reason;
  };

  return {
    get count() {
      return count;
    },
    begin(work) {
      count++;
      void work()
        .catch(fail)
        .finally(() => {
          count--;
          wake();
        });
    },
    async firstSettled() {
      check();
      if (count > 0) await nextWake();
      check();
    },
    next: nextWake,
    stir: wake,
    async allSettled() {
      for (;;) {
        if (count === 0) return;
        await nextWake();
      }
    },
    fail,
    check,
    forget() {
      failure = undefined;
    },
  };
}
