import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

import type { Connection } from "./connection.ts";
import { watchForEnd } from "./secure-end.ts";

/** What is read from the wire at once. */
const SLAB_BYTES = 65_536;

/** So long a peer may take to hear our last word. */
const FAREWELL_MS = 1000;

/**
 * The encrypted bytes of any connection on their way from and to TLS, which tells a cut from an end. Node's TLS takes the end of
 * the wire for the end of what was sent, although a killed process causes it and anybody on the way can forge it; only the
 * peer's `close_notify` is proof. Here the wire's end comes by, and TLS does not hear of it before we have asked whether it has
 * heard of its own. (A TCP socket's bytes do not come by here: see `connectTls`.)
 */
export class SecureStream extends Duplex {
  readonly #connection: Connection;
  readonly #slab = new Uint8Array(SLAB_BYTES);
  #filling = Promise.resolve();
  #isSecure = false;
  #onBroken: (error?: Error) => void;

  /** Takes ownership of the connection. `onBroken` hears that it ended or failed before there was a guard. */
  constructor(connection: Connection, onBroken: (error?: Error) => void = () => {}) {
    super();
    this.#connection = connection;
    this.#onBroken = onBroken;
    this.on("end", () => this.#onBroken()); // the first one: TLS has its own
    this.on("error", () => {}); // a failed write: `onBroken` has heard of it
  }

  /** From now on `socket`, the TLS above, is destroyed with what `toError` makes of the wire's error, or of a cut (undefined). */
  guard(socket: TLSSocket, toError: (broken?: Error) => Error): void {
    const hasEnd = watchForEnd(socket);
    this.#onBroken = (error) => {
      if (error || !hasEnd()) socket.destroy(toError(error));
    };
  }

  /** The handshake is done: from now on letting go is letting go at once. */
  enter(): void {
    this.#isSecure = true;
  }

  /** Ends the wire so that the peer sees that, where the wire has such a thing, and the TLS above. */
  abort(socket: TLSSocket): void {
    this.#connection.destroy();
    socket.destroy();
  }

  override _read(): void {
    this.#filling = this.#fill();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    void this.#pass(this.#connection.send([chunk]), done);
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    void this.#pass(this.#connection.send(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    void this.#pass(this.#connection.finish(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const isRude = this.#isSecure && !this.writableFinished;
    if (error || isRude) this.#connection.destroy(error ?? undefined);
    else void this.#bidFarewell();
    done(error);
  }

  async #fill(): Promise<void> {
    try {
      const n = await this.#connection.read(this.#slab);
      if (!this.destroyed) this.push(n === 0 ? null : this.#slab.slice(0, n));
    } catch (error) {
      this.#onBroken(error as Error);
    }
  }

  async #pass(acting: Promise<void>, done: (error?: Error | null) => void): Promise<void> {
    const failure = await acting.then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    if (failure) this.#onBroken(failure); // first: the error of a write names no culprit once it went through TLS
    done(failure);
  }

  /** Not at once: who failed the handshake shall hear why, and who ends as we do has yet to tell the wire, too. */
  async #bidFarewell(): Promise<void> {
    const timer = setTimeout(() => this.#connection.destroy(), FAREWELL_MS);
    try {
      await this.#connection.finish();
      await this.#filling; // a read at a time
      while ((await this.#connection.read(this.#slab)) > 0);
    } catch {
      // It is gone already, or was let go.
    } finally {
      clearTimeout(timer);
      this.#connection.destroy();
    }
  }
}
