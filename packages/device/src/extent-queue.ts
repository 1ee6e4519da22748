/** Lets requests that overlap go one after the other, in the order in which they came; the others side by side. */
export interface ExtentQueue {
  /** Begins when every earlier request that overlaps has settled; settles as the request does. */
  run<T>(offset: number, length: number, request: () => Promise<T>): Promise<T>;
}

/** Bytes of a request that no later one covers. */
interface Tail {
  readonly offset: number;
  readonly end: number;
  /** `settled` is undefined once it has. */
  readonly request: { settled: Promise<unknown> | undefined };
}

/** Fewer tails than this are not worth looking through for settled ones. */
const FEW = 64;

/** A queue whose requests cost what they overlap, however many others wait. */
export function createExtentQueue(): ExtentQueue {
  // In the disk's order, not overlapping. To wait for the last request of each byte is enough: it waits for those before it,
  // which would otherwise be n promises for the nth request at one place.
  let tails: Tail[] = [];
  let fullAt = FEW;

  /** Puts a new tail in place of what it covers, and gives what that was. */
  function cover(tail: Tail): Tail[] {
    const from = firstEndingAfter(tails, tail.offset);
    let to = from;
    while (to < tails.length && tails[to]!.offset < tail.end) to += 1;
    const covered = tails.slice(from, to);
    const [first, last] = [covered[0], covered.at(-1)];
    const parts = [tail];
    if (first !== undefined && first.offset < tail.offset) parts.unshift({ ...first, end: tail.offset });
    if (last !== undefined && last.end > tail.end) parts.push({ ...last, offset: tail.end });
    tails.splice(from, covered.length, ...parts);
    return covered;
  }

  /** Seldom enough that the looking costs each request little. */
  function forgetSettled(): void {
    if (tails.length < fullAt) return;
    tails = tails.filter(({ request }) => request.settled !== undefined);
    fullAt = FEW + 2 * tails.length;
  }

  return {
    async run(offset, length, request) {
      forgetSettled();
      const entry: Tail["request"] = { settled: undefined };
      const before = length > 0 ? cover({ offset, end: offset + length, request: entry }) : [];
      const underWay = before.flatMap((tail) => tail.request.settled ?? []);
      const result = underWay.length === 0 ? request() : Promise.allSettled(underWay).then(request);
      entry.settled = result;
      try {
        return await result;
      } finally {
        entry.settled = undefined;
      }
    },
  };
}

/** The place of the first tail that ends after `offset`, by halving. */
function firstEndingAfter(tails: readonly Tail[], offset: number): number {
  let [low, high] = [0, tails.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (tails[middle]!.end > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
