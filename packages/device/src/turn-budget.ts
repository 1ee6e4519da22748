/** Bounds what is done at once, so that a caller who goes on as soon as it is answered does not starve the event loop. */
export interface TurnBudget {
  isSpent(): boolean;
  /** May overdraw it: what is larger than the budget must be possible too. */
  spend(amount: number): void;
  /** Settles when the event loop has been around once, and the budget is full again. */
  nextTurn(): Promise<void>;
}

/** A budget of so much until the event loop has been around. It costs nothing but counting until it is spent. */
export function createTurnBudget(amount: number): TurnBudget {
  let left = amount;
  let next: Promise<void> | undefined;

  function refill(): void {
    left = amount;
    next = undefined;
  }

  return {
    isSpent: () => left <= 0,
    spend(part) {
      left -= part;
    },
    async nextTurn() {
      next ??= new Promise<void>((resolve) => void setImmediate(resolve)).then(refill);
      return next;
    },
  };
}
