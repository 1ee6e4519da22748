/** Runs what it is given one after the other, in the order of the calls, whoever fails. */
export type InTurn = <T>(act: () => Promise<T>) => Promise<T>;

export function createTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return async (act) => {
    const run = last.then(act);
    last = run.catch(() => {}); // its caller hears of it, and the next one does not
    return run;
  };
}
