/** The same numbers for the same seed, on every machine. Not for secrets. */
export interface SeededRandom {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** An integer from 0 up to, not including, `below`. */
  int(below: number): number;
  /** One of them. Throws `RangeError` if there is none. */
  pick<T>(from: readonly T[]): T;
  /** New bytes, given. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** A generator of 32 bits of state (the mulberry32 recurrence): short, fast, and even enough for schedules and bytes. */
export function createRandom(seed: number): SeededRandom {
  let state = seed >>> 0;

  function word(): number {
    state = (state + 0x6d2b_79f5) >>> 0;
    const first = Math.imul(state ^ (state >>> 15), state | 1);
    const second = first ^ (first + Math.imul(first ^ (first >>> 7), first | 61));
    return (second ^ (second >>> 14)) >>> 0;
  }

  return {
    next: () => word() / 2 ** 32,
    int: (below) => Math.floor((word() / 2 ** 32) * below),
    pick(from) {
      if (from.length === 0) throw new RangeError("nothing to pick from");
      return from[Math.floor((word() / 2 ** 32) * from.length)]!;
    },
    bytes(length) {
      const words = new Uint32Array(Math.ceil(length / 4));
      for (let index = 0; index < words.length; index++) words[index] = word();
      return new Uint8Array(words.buffer, 0, length);
    },
  };
}
