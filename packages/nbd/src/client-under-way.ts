import { DeviceError } from "@blkmig/device";

/** The requests of one disk that are under way: `close()` waits for them, and refuses later ones. */
export class RequestsUnderWay {
  readonly #device: string;
  readonly #all = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(device: string) {
    this.#device = device;
  }

  async run<T>(request: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new DeviceError("closed", this.#device, "used after close()");
    const run = request();
    this.#all.add(run);
    try {
      return await run;
    } finally {
      this.#all.delete(run);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#all);
  }
}
