import type { TLSSocket } from "node:tls";

import { toAbortError } from "./abort-error.ts";
import type { TlsOptions } from "./tls-options.ts";
import { explainDialFailure } from "./tls-sentences.ts";
import { TransportError } from "./transport-error.ts";

export interface HandshakeOptions {
  readonly url: string;
  readonly tls: TlsOptions;
  readonly handshakeTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits for a dialler's handshake; gives what `onSecure` makes of the socket in that very moment, since a little later an
 * early end would be lost. Throws `TransportError` `connect`, `timeout` or `destroyed`, and the socket is destroyed.
 */
export async function shakeHands<T>(socket: TLSSocket, options: HandshakeOptions, onSecure: () => T): Promise<T> {
  const { url, tls, handshakeTimeoutMs, signal } = options;
  const late = `no answer in TLS within ${handshakeTimeoutMs} ms: does the server speak clear text?`;
  const timer = setTimeout(() => socket.destroy(new TransportError("timeout", url, late)), handshakeTimeoutMs);
  const giveUp = () => socket.destroy(toAbortError(url, signal?.reason));
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    return await new Promise<T>((resolve, reject) => {
      socket.once("secureConnect", () => {
        const made = onSecure();
        setImmediate(() => resolve(made)); // not within OpenSSL: what is let go of there crashes, or goes unsaid
      });
      socket.on("error", reject);
    });
  } catch (error) {
    if (error instanceof TransportError) throw error;
    throw new TransportError("connect", url, explainDialFailure(error as Error, tls), { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}
