/** A wire that keeps what is sent, and answers when the test says so. */
export interface RecordingWire {
  send(data: readonly Uint8Array[]): Promise<void>;
  finish(): Promise<void>;
  read(into: Uint8Array): Promise<number>;
  destroy(reason?: Error): void;
  /** All that was sent so far, copied when it was sent. */
  sent(): Uint8Array;
  /** Gives the sender these bytes to read; none ends the return direction. */
  reply(bytes: Uint8Array): void;
  readonly finished: boolean;
  readonly destroyed: boolean;
}

export interface RecordingWireOptions {
  /** Awaited before each send of so many bytes settles. */
  readonly hold?: (bytes: number) => Promise<void>;
}

export function recordingWire({ hold }: RecordingWireOptions = {}): RecordingWire {
  const pieces: Uint8Array[] = [];
  const replies: Uint8Array[] = [];
  let waiting: { readonly into: Uint8Array; resolve(n: number): void; reject(error: Error): void } | undefined;
  let broken: Error | undefined;
  let finished = false;

  const check = (): void => {
    if (broken) throw broken;
  };
  const serve = (): void => {
    if (!waiting) return;
    if (broken) return waiting.reject(broken);
    const next = replies.shift();
    if (!next) return;
    waiting.into.set(next);
    waiting.resolve(next.length);
    waiting = undefined;
  };

  return {
    async send(data) {
      check();
      pieces.push(...data.map((piece) => piece.slice()));
      await hold?.(data.reduce((sum, { length }) => sum + length, 0));
      check();
    },
    async finish() {
      check();
      finished = true;
    },
    read: (into) =>
      new Promise((resolve, reject) => {
        waiting = { into, resolve, reject };
        serve();
      }),
    destroy(reason) {
      broken ??= reason ?? new Error("destroyed");
      serve();
    },
    sent: () => Buffer.concat(pieces),
    reply(bytes) {
      replies.push(bytes);
      serve();
    },
    get finished() {
      return finished;
    },
    get destroyed() {
      return broken !== undefined;
    },
  };
}
