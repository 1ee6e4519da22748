/** Why right bytes did not become a whole disk. */
export type LoadErrorCode =
  | "beyond-the-end" // a block that the target has no room for
  | "cancelled"
  | "cancelled-by-source" // a session's source gave up, and said so
  | "device" // a target could not be written or flushed: `cause` is a DeviceError
  | "in-doubt" // the sender was told that all is here, and the wire broke before it closed: it may have let go or not
  | "incomplete" // the stream ended, and blocks or its last two frames are missing
  | "journal" // a session's record could not be written: `cause` says why
  | "machine" // a QEMU's machine state could not be kept
  | "protocol" // bytes that are no stream: `cause` is a ProtocolError
  | "read-only" // a target that cannot be written
  | "refused" // the targets of a session's offer could not be opened, or a switchover not be prepared: `cause` says why
  | "trailing" // frames after the last one
  | "unknown-device" // no disk of that name here
  | "wire"; // the wire broke: `cause` says how

/** A load failed: the targets are not complete. */
export class LoadError extends Error {
  override readonly name = "LoadError";
  readonly code: LoadErrorCode;
  /** Whether any byte of any target may have been written. */
  readonly touched: boolean;
  /** Whether at least one whole valid frame had come: otherwise the peer is no sender. */
  readonly recognised: boolean;

  constructor(
    code: LoadErrorCode,
    message: string,
    state: { readonly touched: boolean; readonly recognised: boolean },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.touched = state.touched;
    this.recognised = state.recognised;
  }
}
