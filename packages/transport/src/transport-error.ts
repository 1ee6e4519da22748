/** Why a wire broke. */
export type TransportErrorCode =
  | "cut" // the wire under `secureConnection` ended and TLS had not; or a `tls:` ended before it said if it takes our certificate
  | "connect" // nobody there, the name is unknown, or who is there will not have us
  | "destroyed" // by this side
  | "finished" // by this side: nothing more can be sent
  | "io" // the system said no: `cause` is its error
  | "limit" // the peer sent more than was allowed
  | "listen" // the address cannot be had
  | "protocol" // the peer does not speak WebSocket or TLS as it should
  | "reset" // the peer went away in the middle
  | "timeout";

/** The wire broke. `url` says which one. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly code: TransportErrorCode;
  readonly url: string;

  constructor(code: TransportErrorCode, url: string, what: string, options?: ErrorOptions) {
    super(`${url}: ${what}`, options);
    this.code = code;
    this.url = url;
  }
}
