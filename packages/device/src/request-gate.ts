import { DeviceError } from "./device-error.ts";

/** Counts the requests of one device, or of one face of it, holds new ones while paused, and knows when none is under way. */
export interface RequestGate {
  /** Throws `DeviceError` `closed` once it is closed. */
  assertOpen(): void;
  /** Whether no request has begun that has not settled. */
  isIdle(): boolean;
  /**
   * Begins the request now, or, while paused, when its turn comes at `resume()`. Settles as the request does. What is more,
   * `waitTurn` may keep it waiting: the request begins when that calls `begin`, once. Until then a pause does not wait for
   * it, but `close()` does.
   */
  run<T>(request: () => Promise<T>, waitTurn?: (begin: () => void) => void): Promise<T>;
  /**
   * Holds requests that begin from now on; settles when those that had begun have settled. Twice is once. A `resume()`
   * meanwhile makes it throw an `AbortError`, for then nothing is held.
   */
  pause(): Promise<void>;
  /** Begins the held requests in the order in which they came, before it returns. */
  resume(): void;
  /** Refuses requests from now on, and settles when all that came before, the held ones too, have settled. */
  close(): Promise<void>;
}

/** A gate for the requests of the disk `name`, open and not paused. */
export function createRequestGate(name: string): RequestGate {
  const held: (() => void)[] = [];
  let idle: (() => void)[] = [];
  let underWay = 0;
  let unbegun = 0;
  let isPaused = false;
  let isClosed = false;
  let resumes = 0;

  async function begin<T>(request: () => Promise<T>): Promise<T> {
    underWay += 1;
    try {
      return await request();
    } finally {
      underWay -= 1;
      if (underWay === 0) wakeAll();
    }
  }

  async function beginLater<T>(request: () => Promise<T>, waitTurn: (begin: () => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      unbegun += 1;
      const goOn = (): void =>
        waitTurn(() => {
          unbegun -= 1;
          void begin(request).then(resolve, reject);
        });
      if (isPaused) held.push(goOn);
      else goOn();
    });
  }

  function wakeAll(): void {
    const woken = idle;
    idle = [];
    for (const wake of woken) wake();
  }

  /** Settles when none is under way, or a resume() comes before. */
  async function nextIdle(): Promise<void> {
    return new Promise((resolve) => idle.push(resolve));
  }

  async function allSettled(): Promise<void> {
    if (underWay + unbegun === 0) return;
    await nextIdle();
    await allSettled();
  }

  function assertOpen(): void {
    if (isClosed) throw new DeviceError("closed", name, "used after close()");
  }

  return {
    assertOpen,
    isIdle: () => underWay === 0,
    async run(request, waitTurn) {
      assertOpen();
      // What need not wait costs one promise less: a disk may answer in a microsecond.
      return isPaused || waitTurn !== undefined ? beginLater(request, waitTurn ?? atOnce) : begin(request);
    },
    async pause() {
      isPaused = true;
      const before = resumes;
      if (underWay > 0) await nextIdle();
      if (resumes !== before) throw new DOMException(`disk '${name}': resumed before it was paused`, "AbortError");
    },
    resume() {
      if (!isPaused) return;
      isPaused = false;
      resumes += 1;
      // Begun here and not in a later turn: a request that comes right after resume() must not overtake them.
      for (const request of held.splice(0)) request();
      // A pause() that still waits learns that it is none.
      wakeAll();
    },
    async close() {
      isClosed = true;
      await allSettled();
    },
  };
}

function atOnce(begin: () => void): void {
  begin();
}
