import { systemWords } from "./system-words.ts";
import { explainCertificateAlert, reasonOf } from "./tls-alert.ts";
import { TransportError, type TransportErrorCode } from "./transport-error.ts";

/** What the system calls it when the peer went away in the middle. */
const RESET: ReadonlySet<string> = new Set([
  "ECANCELED",
  "ECONNABORTED",
  "ECONNRESET",
  "EPIPE",
  "ERR_SOCKET_CLOSED",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_PREMATURE_CLOSE",
  "ERR_STREAM_WRITE_AFTER_END",
]);

/** `NodeJS.ErrnoException`, as far as it is looked at: this file is for browsers, too. */
type SystemError = Error & { readonly code?: string };

/** Names what a system error means for a wire; a `TransportError` stays what it is. */
export function toTransportError(url: string, error: unknown): TransportError {
  if (error instanceof TransportError) return error;
  const system = error as SystemError;
  if (system.code === "ETIMEDOUT")
    return new TransportError("timeout", url, "the peer no longer answers", { cause: error });
  if (system.code?.startsWith("ERR_SSL_")) return toTlsError(url, system);
  const code: TransportErrorCode = RESET.has(system.code ?? "") ? "reset" : "io";
  const what = code === "reset" ? "the peer went away in the middle" : systemWords(error);
  return new TransportError(code, url, what, { cause: error });
}

/** What TLS says after the handshake: the peer's verdict on our certificate, or bytes that nobody wrote who has the key. */
function toTlsError(url: string, error: SystemError): TransportError {
  const refusal = explainCertificateAlert(error.code ?? "");
  if (refusal) return new TransportError("connect", url, refusal, { cause: error });
  return new TransportError("protocol", url, `TLS was broken on the way: ${reasonOf(error)}`, { cause: error });
}

/** Whether one wire still holds. The first thing that breaks it is the error that everybody hears of. */
export class WireState {
  readonly url: string;
  #error: TransportError | undefined;
  readonly #listeners: ((error: TransportError) => void)[] = [];

  constructor(url: string) {
    this.url = url;
  }

  get error(): TransportError | undefined {
    return this.#error;
  }

  /** Called once, when the wire breaks. */
  onBreak(listener: (error: TransportError) => void): void {
    this.#listeners.push(listener);
  }

  /** Gives false when the wire was broken already. */
  break(error: TransportError): boolean {
    if (this.#error) return false;
    this.#error = error;
    for (const listener of this.#listeners) listener(error);
    return true;
  }

  /** Broken by this side. */
  destroy(reason?: Error): boolean {
    return this.break(new TransportError("destroyed", this.url, "destroyed by this side", { cause: reason }));
  }
}
