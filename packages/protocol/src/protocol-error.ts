/** Why bytes are no stream. */
export type ProtocolErrorCode =
  | "bad-name" // a device name that is no UTF-8
  | "bad-offset" // a block that is not at a multiple of 1 MiB, or beyond 2^53 bytes
  | "bad-progress" // a percentage over 100
  | "bad-message" // a return-path message of an unknown kind or length
  | "truncated" // the stream ended inside a frame
  | "unknown-flags"; // flag bits that no frame of this generation has, alone or together

/** The peer sent bytes that are no stream. `position` is the byte of the stream at which the offending item begins. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: ProtocolErrorCode;
  readonly position: number;

  constructor(code: ProtocolErrorCode, message: string, position: number, options?: ErrorOptions) {
    super(`${message} (at byte ${position} of the stream)`, options);
    this.code = code;
    this.position = position;
  }
}
