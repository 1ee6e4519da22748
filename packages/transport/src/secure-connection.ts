import { toAbortError } from "./abort-error.ts";
import type { Connection } from "./connection.ts";
import { dialOver } from "./secure-dialler.ts";
import { admitOver } from "./secure-listener.ts";
import { SecureStream } from "./secure-stream.ts";
import { type TlsOptions, toDialSettings, toListenSettings } from "./tls-options.ts";
import { HANDSHAKE_TIMEOUT_MS } from "./ws-limits.ts";

/** What makes a connection that is already there a secure one. */
export interface SecureOptions {
  /** Which half of TLS is ours: the dialler begins, and both prove who they are. */
  readonly as: "dialler" | "listener";
  readonly tls: TlsOptions;
  /**
   * For a dialler with certificates: the name or address that the listener's must be for. Without it, as on a unix socket,
   * only that our `ca` has signed it is checked: the path says who may listen there.
   */
  readonly host?: string;
  /** Ends the attempt, not the connection. */
  readonly signal?: AbortSignal;
  /** Default 10 seconds. */
  readonly handshakeTimeoutMs?: number;
}

/**
 * Goes on in TLS 1.3 on a connection that is open already (STARTTLS), and takes ownership of it, also when it throws. The
 * caller must have read up to the switch and not a byte further. Throws `TransportError` `connect` with what is wrong with the
 * other end, `timeout`, `destroyed`/`timeout` when the signal ended it, and `TypeError` for options that can be no key.
 */
export async function secureConnection(connection: Connection, options: SecureOptions): Promise<Connection> {
  const { as, tls, host, signal, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS } = options;
  const url = connection.peer;
  const part = attempt(connection, () => {
    if (signal?.aborted) throw toAbortError(url, signal.reason);
    return as === "listener"
      ? ({ as, settings: toListenSettings(tls) } as const)
      : ({ as, settings: toDialSettings(tls, host) } as const);
  });
  const handshake = { url, tls, handshakeTimeoutMs, signal };
  if (part.as === "listener") return admitOver(connection, part.settings, handshake);
  const stream = new SecureStream(connection);
  const secured = await dialOver(stream, part.settings, handshake);
  stream.enter();
  return secured;
}

/** What fails before TLS has begun lets go of the connection as well. */
function attempt<T>(connection: Connection, act: () => T): T {
  try {
    return act();
  } catch (error) {
    connection.destroy(error as Error);
    throw error;
  }
}
