import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

import { watchForEnd } from "./secure-end.ts";

/**
 * The encrypted bytes of a socket on their way from and to TLS, which tells a cut from an end.
 *
 * Node's TLS takes the end of TCP for the end of what was sent, although a killed process causes it and anybody on the way
 * can forge it. Only the peer's `close_notify` is proof. On a plain socket TLS reads behind JavaScript's back and the two
 * look the same; here the end of TCP comes by after everything before it went through TLS.
 */
export class CipherStream extends Duplex {
  readonly #raw: Socket;
  /** The wire has ended; TLS has not heard of it yet. Before there is a guard, that is a handshake left in the middle. */
  #onEnd = (): void => void this.#raw.destroy();

  /** Takes ownership of `raw`, which must not have begun to read. */
  constructor(raw: Socket) {
    super();
    this.#raw = raw;
    raw.on("data", (chunk: Uint8Array) => {
      if (!this.push(chunk)) raw.pause();
    });
    raw.on("end", () => this.push(null));
    this.on("end", () => this.#onEnd()); // the first one: TLS has its own
  }

  /**
   * From now on `socket`, the TLS above, is destroyed with what `toError` gives when the wire is cut (without a cause), or
   * with the system's error.
   */
  guard(socket: TLSSocket, toError: () => Error): void {
    const hasEnd = watchForEnd(socket);
    this.#onEnd = () => {
      if (!hasEnd()) socket.destroy(toError());
    };
    this.#raw.on("error", (error) => socket.destroy(error));
    this.#raw.on("close", () => this.#onEnd());
  }

  /** Ends the wire so that the peer sees an abort. */
  reset(): void {
    this.#raw.resetAndDestroy();
  }

  override _read(): void {
    this.#raw.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#raw.write(chunk, done);
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    const last = chunks.length - 1;
    this.#raw.cork(); // records of 16 KiB, written at once
    chunks.forEach(({ chunk }, i) => this.#raw.write(chunk, i === last ? done : undefined));
    this.#raw.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#raw.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#raw.destroy();
    done(error);
  }
}
