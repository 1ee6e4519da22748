/** Lets requests that overlap go one after the other, in the order in which they came; the others side by side. */
export interface ExtentQueue {
  /** Begins when every earlier request that overlaps has settled; settles as the request does. */
  run<T>(offset: number, length: number, request: () => Promise<T>): Promise<T>;
}

export function createExtentQueue(): ExtentQueue {
  const queued = new Set<{ readonly offset: number; readonly end: number; readonly settled: Promise<unknown> }>();

  return {
    async run(offset, length, request) {
      const end = offset + length;
      const before = [...queued].filter((other) => other.offset < end && offset < other.end);
      const result = Promise.allSettled(before.map((other) => other.settled)).then(request);
      const entry = { offset, end, settled: result };
      queued.add(entry);
      try {
        return await result;
      } finally {
        queued.delete(entry);
      }
    },
  };
}
