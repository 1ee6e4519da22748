/** Why bytes are no stream. */
export type ProtocolErrorCode =
  | "bad-checksum" // a session's header or payload that is not what its checksum was made of
  | "bad-frame" // a session's frame of an unknown type, or of a size or length that it cannot have
  | "bad-magic" // an envelope that does not begin with "QEVM", or a session without its preface
  | "bad-name" // a device's, machine's or section's name that is no UTF-8, or a session's disk that is named badly
  | "bad-offset" // a block that is not at a multiple of 1 MiB, or anything beyond 2^53 bytes
  | "bad-progress" // a percentage over 100
  | "bad-message" // a return-path message of an unknown kind or length, or a session's that is not understood
  | "bad-section" // an item of QEMU's envelope that is of no known kind, out of place, or of a wrong length or id
  | "truncated" // the stream ended inside a frame, or an envelope before its block section had ended
  | "unknown-flags" // flag bits that no frame of this generation (or word of a ram section) has, alone or together
  | "unsupported"; // a sound stream of QEMU's that cannot be followed; the message says what to turn off

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
