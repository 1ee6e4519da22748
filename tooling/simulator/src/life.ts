import type { BlockDevice } from "@blkmig/device";

/** One run of a program. What belongs to it never settles again once it is killed. */
export interface Life {
  readonly alive: boolean;
  kill(): void;
  /** Settles when it is killed. */
  readonly death: Promise<void>;
  /** The promise, as long as it lives. */
  guard<T>(promise: Promise<T>): Promise<T>;
}

export function createLife(): Life {
  const killed = new AbortController();
  const { signal } = killed;
  const death = new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const never = new Promise<never>(() => {});
  return {
    get alive() {
      return !signal.aborted;
    },
    kill: () => killed.abort(),
    death,
    guard: (promise) =>
      promise.then(
        (value) => (signal.aborted ? never : value),
        (reason: unknown) => {
          if (signal.aborted) return never;
          throw reason;
        },
      ),
  };
}

/** A disk in the hands of a program that may be killed: then nothing more reaches the disk, and nothing more is answered. */
export function mortalDevice(device: BlockDevice, life: Life): BlockDevice {
  const act = <T>(request: () => Promise<T>): Promise<T> =>
    life.guard(life.alive ? request() : new Promise<T>(() => {}));
  return {
    name: device.name,
    size: device.size,
    readOnly: device.readOnly,
    read: (offset, into) => act(() => device.read(offset, into)),
    write: (offset, data) => act(() => device.write(offset, data)),
    zero: (offset, length, options) => act(() => device.zero(offset, length, options)),
    async *extents(offset, length) {
      for await (const extent of device.extents(offset, length)) {
        yield await act(() => Promise.resolve(extent));
      }
    },
    flush: () => act(() => device.flush()),
    close: () => act(() => device.close()),
  };
}
