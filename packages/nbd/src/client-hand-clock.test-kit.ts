import type { Clock } from "@blkmig/device";

/** Time that passes only when a test says so. */
export class HandClock implements Clock {
  #now = 1000;
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const sleeper = { until: this.#now + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", () => {
        this.#sleepers.delete(sleeper);
        resolve();
      });
    });
  }

  /** Wakes who sleeps no longer than that, and lets all that can happen happen. */
  async pass(ms: number): Promise<void> {
    await settle();
    this.tick(ms);
    await settle();
  }

  /** Only wakes who sleeps no longer than that. */
  tick(ms: number): void {
    this.#now += ms;
    for (const sleeper of this.#sleepers) {
      if (sleeper.until > this.#now) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }

  /** Lets time pass, in small steps, until `settling` has settled. */
  async passUntil<T>(settling: Promise<T>, stepMs = 100): Promise<T> {
    let isSettled = false;
    const end = (): void => {
      isSettled = true;
    };
    settling.then(end, end);
    await settle();
    while (!isSettled) await this.pass(stepMs);
    return settling;
  }
}

/** Many turns of the event loop: a handshake in memory takes some dozens. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setImmediate(resolve));
}
