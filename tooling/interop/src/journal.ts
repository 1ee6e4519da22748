/** What came, in order. */
export interface Entries<T> {
  readonly entries: readonly T[];
}

/** The same, and waits for what is to come. */
export interface Journal<T> extends Entries<T> {
  /** The first entry that is so, seen already or to come. Throws if the journal ends without one. */
  until(isIt: (entry: T) => boolean): Promise<T>;
}

export interface WrittenJournal<T> extends Journal<T> {
  write(entry: T): void;
  /** Nothing comes any more; whoever still waits gets this reason. */
  end(reason: Error): void;
}

interface Waiter<T> {
  readonly isIt: (entry: T) => boolean;
  readonly resolve: (entry: T) => void;
  readonly reject: (reason: Error) => void;
}

export function createJournal<T>(): WrittenJournal<T> {
  const entries: T[] = [];
  const waiting = new Set<Waiter<T>>();
  let ended: Error | undefined;

  const until = (isIt: (entry: T) => boolean): Promise<T> =>
    new Promise((resolve, reject) => {
      const seen = entries.findIndex((entry) => isIt(entry));
      if (seen >= 0) return resolve(entries[seen]!);
      if (ended) return reject(ended);
      waiting.add({ isIt, resolve, reject });
    });

  const write = (entry: T): void => {
    entries.push(entry);
    for (const waiter of waiting) {
      if (!waiter.isIt(entry)) continue;
      waiting.delete(waiter);
      waiter.resolve(entry);
    }
  };

  const end = (reason: Error): void => {
    ended ??= reason;
    for (const waiter of waiting) waiter.reject(ended);
    waiting.clear();
  };

  return { entries, until, write, end };
}
