/** Buffers of one size, made when first needed and then used again; never more than `count`. */
export interface BufferPool {
  /** The length of each buffer, in bytes. */
  readonly bytes: number;
  /** A buffer, given until `give()`; waits, first come first served, while all are out. Its content is whatever it was. */
  take(): Promise<Uint8Array>;
  /** A buffer if one is free now. */
  tryTake(): Uint8Array | undefined;
  /** Gives back the very buffer that `take()` gave. */
  give(buffer: Uint8Array): void;
}

/**
 * A pool of at most `count` buffers of `bytes` each. What came back last goes out first, for it is the warmest. Giving a
 * buffer that is not out (a foreign one, or one given before) is a `TypeError`: two owners of one buffer corrupt a disk.
 */
export function createBufferPool(options: { readonly bytes: number; readonly count: number }): BufferPool {
  const { bytes, count } = options;
  assertPositive("bytes", bytes);
  assertPositive("count", count);

  const free: Uint8Array[] = [];
  const out = new Set<Uint8Array>();
  const waiters: ((buffer: Uint8Array) => void)[] = [];

  function tryTake(): Uint8Array | undefined {
    const buffer = free.pop() ?? (out.size < count ? new Uint8Array(bytes) : undefined);
    if (buffer !== undefined) out.add(buffer);
    return buffer;
  }

  return {
    bytes,
    tryTake,
    async take() {
      return tryTake() ?? new Promise<Uint8Array>((resolve) => waiters.push(resolve));
    },
    give(buffer) {
      if (!out.has(buffer)) throw new TypeError("the buffer given back is not one that this pool has out");
      const waiter = waiters.shift();
      // To the first waiter without a stop in `free`, or a newcomer's tryTake() would overtake it; it stays `out`.
      if (waiter !== undefined) return waiter(buffer);
      out.delete(buffer);
      free.push(buffer);
    },
  };
}

function assertPositive(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} is ${value}, not a positive integer`);
}
