/** Counts what is under way, and lets no more begin than there are slots. */
export interface Slots {
  tryTake(): boolean;
  /** Waits for one; one at a time. */
  take(): Promise<void>;
  give: () => void;
  /** Settles when all are given back but those that `besides` says will never be, at a call of it. */
  idle(besides: () => number): Promise<void>;
}

export function createSlots(count: number): Slots {
  let taken = 0;
  let waiting: (() => void) | undefined;
  const idlers: (() => void)[] = [];

  function tryTake(): boolean {
    if (taken >= count) return false;
    taken += 1;
    return true;
  }

  return {
    tryTake,
    async take() {
      while (!tryTake()) await new Promise<void>((resolve) => (waiting = resolve));
    },
    give() {
      taken -= 1;
      waiting?.();
      waiting = undefined;
      for (const wake of idlers.splice(0)) wake();
    },
    async idle(besides) {
      while (taken > besides()) await new Promise<void>((resolve) => idlers.push(resolve));
    },
  };
}
