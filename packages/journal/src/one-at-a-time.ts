/** Acts begin in the order in which they were asked for, each when the one before has settled. */
export function createOneAtATime(): <T>(act: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return async (act) => {
    const mine = last.then(act, act);
    last = mine;
    return mine;
  };
}
