import type { Clock } from "@blkmig/source";

/** How fast a wire is, the same in both directions. */
export interface WirePace {
  readonly bytesPerSecond: number;
  /** Milliseconds, one way. */
  readonly latencyMs: number;
}

/** One end of a wire: all that a session, or a classic stream, needs of it. */
export interface PacedEnd {
  send(data: readonly Uint8Array[]): Promise<void>;
  read(into: Uint8Array): Promise<number>;
  finish(): Promise<void>;
  destroy(reason?: Error): void;
}

/** Told of what an end hands over, when it does. */
export type OnSent = (data: readonly Uint8Array[]) => void;

/** What the host holds by itself of what was sent: a socket's buffer. */
const HELD_BYTES = 256 * 1024;

/** A wire that carries so many bytes a second and not one more, and holds only what a socket does. */
export function pacedWire(clock: Clock, pace: WirePace, onSent: { there?: OnSent; back?: OnSent }) {
  const there = createDirection(clock, pace, onSent.there);
  const back = createDirection(clock, pace, onSent.back);
  const cut = (reason: Error = new Error("cut")): void => {
    there.end(reason);
    back.end(reason);
  };
  const endOf = (out: Direction, into: Direction): PacedEnd => ({
    send: (data) => out.send(data),
    read: (buffer) => into.read(buffer),
    finish: () => out.send([]),
    destroy: cut,
  });
  return { near: endOf(there, back), far: endOf(back, there), cut };
}

interface Reader {
  readonly into: Uint8Array;
  readonly resolve: (bytes: number) => void;
  readonly reject: (reason: Error) => void;
}

type Direction = ReturnType<typeof createDirection>;

function createDirection(clock: Clock, { bytesPerSecond, latencyMs }: WirePace, onSent: OnSent | undefined) {
  const arrived: Uint8Array[] = [];
  const ended = new AbortController();
  let waiting: Reader | undefined;
  /** When all that was handed over has left. */
  let freeAt = 0;

  const serve = (): void => {
    const first = arrived[0];
    if (!waiting || !first) return;
    const { into, resolve } = waiting;
    waiting = undefined;
    const bytes = Math.min(first.length, into.length);
    into.set(first.subarray(0, bytes));
    if (bytes === first.length && bytes > 0) arrived.shift(); // an end stays
    else arrived[0] = first.subarray(bytes);
    resolve(bytes);
  };

  return {
    async send(data: readonly Uint8Array[]): Promise<void> {
      ended.signal.throwIfAborted();
      onSent?.(data);
      const bytes = Buffer.concat(data);
      const now = clock.now();
      freeAt = Math.max(now, freeAt) + (bytes.length * 1000) / bytesPerSecond;
      void clock.sleep(freeAt + latencyMs - now, ended.signal).then(() => {
        if (ended.signal.aborted) return;
        arrived.push(bytes);
        serve();
      });
      const heldMs = (HELD_BYTES * 1000) / bytesPerSecond;
      if (freeAt - heldMs > now) await clock.sleep(freeAt - heldMs - now, ended.signal);
      ended.signal.throwIfAborted();
    },
    read: (into: Uint8Array): Promise<number> =>
      new Promise((resolve, reject) => {
        if (ended.signal.aborted) return reject(ended.signal.reason as Error);
        waiting = { into, resolve, reject };
        serve();
      }),
    end(reason: Error): void {
      if (ended.signal.aborted) return;
      ended.abort(reason);
      waiting?.reject(reason);
    },
  };
}
