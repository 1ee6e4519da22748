import type { Clock } from "./clock.ts";

/** How long a peer has kept others waiting since it last was of use. Idle time is not held against it. */
export interface Debt {
  /** Milliseconds. */
  readonly owed: number;
  owe(): void;
  pay(count: number): void;
  /** It was of use: what it owes is counted from now. */
  forgive(): void;
}

export function createDebt(clock: Pick<Clock, "now">): Debt {
  let settled = 0;
  let open = 0;
  let since = 0;
  return {
    get owed() {
      return settled + (open > 0 ? clock.now() - since : 0);
    },
    owe() {
      if (open++ === 0) since = clock.now();
    },
    pay(count) {
      open -= count;
      if (open === 0) settled += clock.now() - since;
    },
    forgive() {
      settled = 0;
      since = clock.now();
    },
  };
}
