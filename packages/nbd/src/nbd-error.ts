/** Why a conversation in NBD, or a disk behind it, failed. */
export type NbdErrorCode =
  | "changed" // after a reconnect the server offers another disk: its size, its flags or who it says it is
  | "connect" // nobody there, or the connection broke before the disk was open: `cause` is the wire's error
  | "lost" // the server's host restarted: what it had acknowledged and not flushed may be gone
  | "option" // the server refuses something that is needed, such as TLS or block sizes
  | "protocol" // bytes that are no NBD
  | "unknown-export";

/** NBD failed. `url` says which disk or server, without secrets. */
export class NbdError extends Error {
  override readonly name = "NbdError";
  readonly code: NbdErrorCode;
  readonly url: string;

  constructor(code: NbdErrorCode, url: string, what: string, options?: ErrorOptions) {
    super(`${url}: ${what}`, options);
    this.code = code;
    this.url = url;
  }
}
