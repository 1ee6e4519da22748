import type { BlockDevice } from "@blkmig/device";
import type { Clock, SourceWire } from "@blkmig/source";

/** What a program waits for at an instant; it may be killed while it waits for any of them. */
type Await = "a read" | "a write" | "a zero" | "extents" | "a flush" | "a record" | "the clock" | "the wire";

/** One run of a program. What belongs to it never settles again once it is killed. */
export interface Life {
  readonly alive: boolean;
  kill(): void;
  /** Settles when it is killed. */
  readonly death: Promise<void>;
  /** The promise, as long as it lives. */
  guard<T>(promise: Promise<T>, what?: Await): Promise<T>;
  /** What it waits for now. */
  readonly waitsFor: readonly Await[];
}

export function createLife(): Life {
  const killed = new AbortController();
  const { signal } = killed;
  const death = new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const never = new Promise<never>(() => {});
  const waiting = new Map<Await, number>();
  const wait = (what: Await | undefined, by: number): void => {
    if (what !== undefined && !signal.aborted) waiting.set(what, (waiting.get(what) ?? 0) + by);
  };
  return {
    get alive() {
      return !signal.aborted;
    },
    kill: () => killed.abort(),
    death,
    guard(promise, what) {
      wait(what, 1);
      return promise.then(
        (value) => {
          wait(what, -1);
          return signal.aborted ? never : value;
        },
        (reason: unknown) => {
          wait(what, -1);
          if (signal.aborted) return never;
          throw reason;
        },
      );
    },
    get waitsFor() {
      return [...waiting].filter(([, times]) => times > 0).map(([what]) => what);
    },
  };
}

/** A disk in the hands of a program that may be killed: then nothing more reaches the disk, and nothing more is answered. */
export function mortalDevice(device: BlockDevice, life: Life): BlockDevice {
  const act = <T>(what: Await, request: () => Promise<T>): Promise<T> =>
    life.guard(life.alive ? request() : new Promise<T>(() => {}), what);
  return {
    name: device.name,
    size: device.size,
    readOnly: device.readOnly,
    read: (offset, into) => act("a read", () => device.read(offset, into)),
    write: (offset, data) => act("a write", () => device.write(offset, data)),
    zero: (offset, length, options) => act("a zero", () => device.zero(offset, length, options)),
    async *extents(offset, length) {
      for await (const extent of device.extents(offset, length)) {
        yield await act("extents", () => Promise.resolve(extent));
      }
    },
    flush: () => act("a flush", () => device.flush()),
    close: () => act("a flush", () => device.close()),
  };
}

/** The clock of a program that may be killed while it sleeps. */
export function mortalClock(clock: Clock, life: Life): Clock {
  return { now: () => clock.now(), sleep: (ms, signal) => life.guard(clock.sleep(ms, signal), "the clock") };
}

/** A wire in the hands of a program that may be killed. */
export function mortalWire<Wire extends Required<SourceWire>>(wire: Wire, life: Life): Wire {
  return {
    ...wire,
    read: (into) => life.guard(wire.read(into), "the wire"),
    send: (data) => life.guard(wire.send(data), "the wire"),
    finish: () => life.guard(wire.finish(), "the wire"),
  };
}
