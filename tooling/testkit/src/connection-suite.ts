import { describe, expect, test } from "vitest";

import { fillPattern, PATTERN_WINDOW, patternAt, sameAsPattern } from "./connection-bytes.ts";

/** The shape every wire has, spelled out here since the testkit imports no room. */
export interface SuiteConnection {
  read(into: Uint8Array): Promise<number>;
  send(data: readonly Uint8Array[]): Promise<void>;
  finish(): Promise<void>;
  destroy(reason?: Error): void;
}

/** Two ends of one wire, freshly connected. */
export interface SuitePair {
  readonly a: SuiteConnection;
  readonly b: SuiteConnection;
  cleanup(): Promise<void>;
  readonly capabilities?: SuiteCapabilities;
}

/** What a wire of this kind cannot do, and how much it is worth to push through it. */
export interface SuiteCapabilities {
  /** One side may finish while the other goes on sending. Default true. */
  readonly halfClose?: boolean;
  /** Only `a` sends. Default false. */
  readonly oneWay?: boolean;
  /** The reads of the peer tell `destroy` from `finish`; a pipe cannot. Default true. */
  readonly reset?: boolean;
  /** Sends stop settling while `b` does not read; the receiving end of a browser's WebSocket cannot say wait. Default true. */
  readonly waits?: boolean;
  /** Default 1 GiB. */
  readonly bulkBytes?: number;
  /** How far memory may rise meanwhile. Default 64 MiB; more where each chunk is garbage that waits for its collector. */
  readonly growth?: number;
}

const MIB = 1024 * 1024;
const SCRIBBLE = 0xee;
const LONG = { timeout: 60_000 };

/** What every wire promises; `factory` is called once a test. */
export function describeConnection(name: string, factory: () => Promise<SuitePair>): void {
  // oxlint-disable vitest/valid-title, vitest/expect-expect -- the titles and the assertions are below
  const on = (title: string, body: (pair: Required<SuitePair>) => Promise<void>) =>
    test(title, LONG, async () => {
      const pair = await factory();
      try {
        await body({ ...pair, cleanup: () => pair.cleanup(), capabilities: pair.capabilities ?? {} });
      } finally {
        await pair.cleanup();
      }
    });

  describe(name, () => {
    for (const sizes of [[1], [7], [65_536], [MIB], [1, 100_000, 3, 4096]]) {
      on(
        `bytes arrive in order, read ${sizes.join(", ")} at a time; memory is reused at once by both ends`,
        async ({ a, b }) => {
          const received = readAll(b, sizes);
          const sent = await sendAll(a, [1, 5, 0, 13, 999, 0, 1, 1, 3000], sizes[0] === 1 ? 20_000 : 3 * MIB);
          await a.finish();
          expect(await received).toBe(sent);
        },
      );
    }

    on("thousands of tiny sends that wait for nobody keep their order", async ({ a, b }) => {
      const received = readAll(b, [65_536]);
      const sends = Array.from({ length: 5000 }, (_, i) => a.send([patternAt(i * 3, 2), patternAt(i * 3 + 2, 1)]));
      await Promise.all([...sends, a.finish()]);
      expect(await received).toBe(15_000);
    });

    on("both directions flow at once", async ({ a, b, capabilities }) => {
      if (capabilities.oneWay) return;
      const received = [readAll(a, [40_000]), readAll(b, [50_000])];
      const flow = async (end: SuiteConnection) => {
        const sent = await sendAll(end, [10_000, 1, 300_000], Math.min(4 * MIB, bulkOf(capabilities)));
        if (capabilities.halfClose !== false || end === b) await end.finish();
        return sent;
      };
      const sent = await Promise.all([flow(a), flow(b)]);
      expect(await Promise.all(received)).toEqual(sent.toReversed());
    });

    on(
      "nobody reads on: sends stop settling before much is buffered, and nothing is lost",
      async ({ a, b, capabilities }) => {
        if (capabilities.waits === false) return;
        const flood = Math.min(96 * MIB, bulkOf(capabilities));
        let accepted = 0;
        const sending = sendAll(a, [256 * 1024], flood, (bytes) => (accepted = bytes));
        const head = await b.read(new Uint8Array(10)); // a wire that was read from once must stop as well
        await untilStill(() => accepted);
        expect(accepted).toBeLessThan(Math.min(64 * MIB, flood));
        const [received] = await Promise.all([readAll(b, [MIB], undefined, head), sending.then(() => a.finish())]);
        expect(received).toBe(flood);
      },
    );

    on("one side finishes and the other goes on, either way round", async ({ a, b, capabilities }) => {
      if (capabilities.oneWay || capabilities.halfClose === false) return;
      await a.finish();
      expect(await readAll(b, [10])).toBe(0);
      const answer = readAll(a, [1000]);
      const sent = await sendAll(b, [5000], MIB);
      await b.finish();
      expect(await answer).toBe(sent);
    });

    on("finishing with nothing sent is an end, and stays one", async ({ a, b }) => {
      await a.finish();
      await a.finish();
      expect([await b.read(new Uint8Array(4)), await b.read(new Uint8Array(4))]).toEqual([0, 0]);
    });

    on("a send after finish is refused", async ({ a, b }) => {
      const received = readAll(b, [10]);
      await a.finish();
      await expect(a.send([Uint8Array.of(1)])).rejects.toMatchObject({ code: "finished" });
      expect(await received).toBe(0);
    });

    on("a send of nothing settles", async ({ a }) => {
      await a.send([]);
      await a.send([new Uint8Array(0)]);
    });

    on("a second read is refused, the first one is not disturbed", async ({ a, b }) => {
      const into = new Uint8Array(8);
      const first = b.read(into);
      await expect(b.read(new Uint8Array(8))).rejects.toThrow("one at a time");
      await a.send([Uint8Array.of(9)]);
      expect([await first, into[0]]).toEqual([1, 9]);
      await expect(b.read(new Uint8Array(0))).rejects.toThrow(RangeError);
    });

    on("destroying after finish takes nothing back", async ({ a, b }) => {
      const received = readAll(b, [10_000]);
      const sent = await sendAll(a, [100_000], 2 * MIB);
      await a.finish();
      a.destroy();
      expect(await received).toBe(sent);
    });

    on("destroying ends what is under way on this side, once, with its reason", async ({ a, b, capabilities }) => {
      const reason = new Error("enough");
      const reading = capabilities.oneWay ? undefined : a.read(new Uint8Array(8)).catch((error: unknown) => error);
      const sending = untilRefused(a);
      await b.read(new Uint8Array(8)); // so that the wire is in use
      a.destroy(reason);
      a.destroy(new Error("too late"));
      const destroyed = { code: "destroyed", cause: reason };
      expect(await sending).toMatchObject(destroyed);
      if (reading) expect(await reading).toMatchObject(destroyed);
      await expect(a.send([Uint8Array.of(1)])).rejects.toMatchObject(destroyed);
      if (!capabilities.oneWay) await expect(a.read(new Uint8Array(1))).rejects.toMatchObject(destroyed);
      await expect(a.finish()).rejects.toMatchObject(destroyed);
    });

    on("a peer that was destroyed is an error and never an end", async ({ a, b, capabilities }) => {
      const sending = capabilities.oneWay ? undefined : untilRefused(b);
      const reading = readAll(b, [1000]);
      await a.send([patternAt(0, 500)]);
      a.destroy();
      if (capabilities.reset === false) await reading.catch(() => {});
      else await expect(reading).rejects.toMatchObject({ code: "reset" });
      if (sending) expect(await sending).toMatchObject({ code: "reset" });
    });

    on("a peer that was destroyed while nothing was under way is an error, too", async ({ a, b, capabilities }) => {
      const reading = b.read(new Uint8Array(8));
      a.destroy();
      if (capabilities.reset === false) await reading.catch(() => {});
      else await expect(reading).rejects.toMatchObject({ code: "reset" });
    });

    on("much passes through and memory does not grow", async ({ a, b, capabilities }) => {
      const bytes = bulkOf(capabilities);
      const before = residentBytes();
      let peak = before;
      const received = readAll(b, [MIB], () => (peak = Math.max(peak, residentBytes())));
      for (let position = 0; position < bytes; position += MIB) await a.send([patternAt(position, MIB)]);
      await a.finish();
      expect(await received).toBe(bytes);
      expect(peak - before).toBeLessThan(capabilities.growth ?? 64 * MIB);
    });
  });
}

function bulkOf({ bulkBytes = 1024 * MIB }: SuiteCapabilities): number {
  return bulkBytes;
}

/** Sends the pattern in segments of these sizes, and scribbles over them as soon as a send has settled. */
async function sendAll(to: SuiteConnection, sizes: number[], bytes: number, progress?: (bytes: number) => void) {
  const segments = sizes.map((size) => new Uint8Array(size));
  let position = 0;
  while (position < bytes) {
    for (const segment of segments) position += fillPattern(segment, position);
    await to.send(segments);
    if (position % (16 * MIB) < 300_000) await turn();
    for (const segment of segments) segment.fill(SCRIBBLE);
    progress?.(position);
  }
  return position;
}

/** Reads to the end into two buffers in turn, compares with the pattern, and sees to it that a settled read is over. */
async function readAll(from: SuiteConnection, sizes: number[], progress?: () => void, start = 0): Promise<number> {
  const buffers = [0, 1].map(() => new Uint8Array(Math.max(...sizes)));
  let [position, settled] = [start, -1];
  for (let count = 0; ; count++) {
    const buffer = buffers[count % 2]!;
    const n = await from.read(buffer.subarray(0, sizes[count % sizes.length]));
    const earlier = buffers[(count + 1) % 2]!;
    if (settled > 0 && !sameAsPattern(earlier.subarray(0, settled), position - settled)) {
      throw new Error(`the memory of a settled read changed at ${position}`);
    }
    if (n === 0) return position;
    if (!sameAsPattern(buffer.subarray(0, n), position)) throw new Error(`other bytes than were sent, at ${position}`);
    position += n;
    settled = n;
    if (position % PATTERN_WINDOW < n) progress?.();
  }
}

/** Sends until it is refused, which a wire that is never read or has broken does sooner or later; gives the error. */
async function untilRefused(from: SuiteConnection): Promise<unknown> {
  try {
    for (;;) {
      await from.send([patternAt(0, MIB)]);
      await turn(); // a wire that settles at once must not keep the others from being heard
    }
  } catch (error) {
    return error;
  }
}

/** Until a number has not changed for many turns of the event loop. */
async function untilStill(value: () => number): Promise<void> {
  let [last, turns] = [value(), 0];
  while (turns < 1000) {
    await turn();
    turns = value() === last ? turns + 1 : 0;
    last = value();
  }
}

/** What a browser does not tell of itself is nothing there, and does not grow. */
function residentBytes(): number {
  return "process" in globalThis ? process.memoryUsage().rss : 0;
}

/** One turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if ("setImmediate" in globalThis) setImmediate(resolve);
    else setTimeout(resolve);
  });
}
