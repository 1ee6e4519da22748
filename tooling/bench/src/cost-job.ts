/** Something whose cost for each block is watched. */
export interface CostJob {
  readonly name: string;
  /** How many make one round: so many that one more page does not show, so few that nothing need be collected meanwhile. */
  readonly blocks: number;
  /** Makes what is made once. */
  open(): Promise<CostRounds>;
}

export interface CostRounds extends AsyncDisposable {
  /** Does it so many times. */
  run(blocks: number): void | Promise<void>;
}

/** A job that needs nothing to be opened; what `act` gives is kept, or the compiler would leave away what makes it. */
export function costOf(name: string, blocks: number, act: () => unknown): CostJob {
  const kept: unknown[] = [undefined];
  const run = (times: number): void => {
    for (let time = 0; time < times; time++) kept[0] = act();
  };
  return { name, blocks, open: async () => ({ run, async [Symbol.asyncDispose]() {} }) };
}
