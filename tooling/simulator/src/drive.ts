/** Lets one go whenever nobody can go on by itself, until `end` has settled. */
export async function drive<T>(end: Promise<T>, letOneGo: () => void): Promise<T> {
  let ended = false;
  const mark = (): void => {
    ended = true;
  };
  end.then(mark, mark);
  for (;;) {
    await quiet();
    if (ended) return end;
    letOneGo();
  }
}

/** Settles when nobody can go on by itself. Everything in a simulation is promises, so one turn of the loop is enough. */
function quiet(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
