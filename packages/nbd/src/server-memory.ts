/** Memory for one payload, given until `give()`. */
export interface Lease {
  /** Of the payload's length in all. */
  readonly pieces: readonly Uint8Array[];
  /** Gives it back, once. */
  give(): void;
}

/** One client's part of the memory. */
export interface MemoryShare {
  /** Memory for `bytes` bytes if there is some now. */
  tryTake(bytes: number): Lease | undefined;
  /** Waits for it; undefined if the client left meanwhile. One at a time. */
  take(bytes: number): Promise<Lease | undefined>;
  /** Whoever waits is told; what is out may still be given back. */
  leave(): void;
}

export interface PayloadMemory {
  share(): MemoryShare;
  /** What is out now, in bytes. */
  readonly usedBytes: number;
}

/** Pieces of memory that are kept: a payload takes the smallest that holds it, or the rest of it, and many of the largest. */
const PIECES: readonly number[] = [4, 16, 64, 256, 1024].map((kibibytes) => kibibytes * 1024);
const LARGEST = 1024 * 1024;

/**
 * One client holds no more, unless a single payload is longer: what is read far ahead of the wire has left the processor's caches when
 * it is sent (measured: an eighth of the time of copying a disk out), and is no faster there.
 */
const CLIENT_BYTES = 4 * 1024 * 1024;

interface Waiting {
  readonly bytes: number;
  readonly holder: { held: number };
  readonly resolve: (lease: Lease | undefined) => void;
}

/** Of all memory, what each client may hold besides: 256 KiB of 128 MiB. */
const OWN_PART = 1 / 512;

/**
 * Memory for the payloads of all clients: out and kept together never more than `bytes`, but for a single payload that is larger, and
 * for each client's own little part. A client gets none that would leave it with more than is then free: so one that asks for much and
 * takes its replies slowly leaves as much to others as it holds, and who holds nothing seldom waits. Its own part nobody can take
 * from it: four that promise long writes and never send them would have everybody wait, for ever.
 */
export function createPayloadMemory(bytes: number): PayloadMemory {
  const kept = new Map<number, Uint8Array[]>(PIECES.map((size) => [size, []]));
  const waiting: Waiting[] = [];
  let used = 0;
  let keptBytes = 0;

  function allocate(size: number): Uint8Array {
    const piece = kept.get(size)?.pop();
    if (piece) {
      keptBytes -= size;
      return piece;
    }
    return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer); // outside Node's shared slab, and not filled with zeroes
  }

  /** Lets the garbage collector have what is too much of, the largest first. */
  function shrink(): void {
    for (const size of PIECES.toReversed()) {
      const pieces = kept.get(size) ?? [];
      while (used + keptBytes > bytes && pieces.pop()) keptBytes -= size;
    }
  }

  function give(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      used -= piece.length;
      keptBytes += piece.length;
      kept.get(piece.length)?.push(piece);
    }
    shrink();
  }

  function mayTake(held: number, cost: number): boolean {
    if (used === 0 || held + cost <= bytes * OWN_PART) return true;
    if (held > 0 && held + cost > CLIENT_BYTES) return false;
    return held + cost <= bytes - used;
  }

  function tryTake(holder: { held: number }, length: number): Lease | undefined {
    const sizes = sizesFor(length);
    const cost = sizes.reduce((sum, size) => sum + size, 0);
    if (!mayTake(holder.held, cost)) return undefined;
    used += cost;
    holder.held += cost;
    const whole = sizes.map(allocate);
    shrink();
    let isOut = true;
    return {
      pieces: cut(whole, length),
      give() {
        if (!isOut) throw new TypeError("this memory was given back before"); // two owners of one buffer corrupt a disk
        isOut = false;
        holder.held -= cost;
        give(whole);
        serveWaiting();
      },
    };
  }

  /** Whoever can be served, in order of coming: who holds much must not keep others waiting. */
  function serveWaiting(): void {
    for (let index = 0; index < waiting.length;) {
      const { holder, bytes: length, resolve } = waiting[index]!;
      const lease = tryTake(holder, length);
      if (lease) {
        waiting.splice(index, 1);
        resolve(lease);
      } else index += 1;
    }
  }

  return {
    share() {
      const holder = { held: 0 };
      let hasLeft = false;
      return {
        tryTake: (length) => tryTake(holder, length),
        async take(length) {
          if (hasLeft) return undefined;
          return tryTake(holder, length) ?? new Promise((resolve) => waiting.push({ bytes: length, holder, resolve }));
        },
        leave() {
          hasLeft = true;
          const index = waiting.findIndex((each) => each.holder === holder);
          if (index >= 0) waiting.splice(index, 1)[0]!.resolve(undefined);
        },
      };
    },
    get usedBytes() {
      return used;
    },
  };
}

function sizesFor(length: number): readonly number[] {
  const rest = length % LARGEST;
  const last = rest > 0 ? PIECES.find((size) => size >= rest) : undefined;
  if (length < LARGEST) return last === undefined ? [] : [last];
  const sizes = Array.from({ length: (length - rest) / LARGEST }, () => LARGEST);
  return last === undefined ? sizes : [...sizes, last];
}

/** Views of the pieces' front: `length` bytes in all. */
function cut(whole: readonly Uint8Array[], length: number): Uint8Array[] {
  let left = length;
  return whole.map((piece) => {
    const view = piece.subarray(0, left);
    left -= view.length;
    return view;
  });
}
