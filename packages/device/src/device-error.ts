/** Why a disk failed. */
export type DeviceErrorCode =
  | "closed" // used after close()
  | "in-use" // another process holds it: `message` says which lock
  | "io" // the system said no: `cause` is its error
  | "not-a-disk" // a folder, a character device, a socket
  | "not-found"
  | "not-permitted"
  | "no-space"
  | "not-supported" // asked for what this disk cannot do, and nothing was changed
  | "read-only"
  | "short"; // it ended before its size

/** This disk failed. `device` is its name; `offset` the byte at which it failed, where there is one. */
export class DeviceError extends Error {
  override readonly name = "DeviceError";
  readonly code: DeviceErrorCode;
  readonly device: string;
  readonly offset: number | undefined;

  constructor(code: DeviceErrorCode, device: string, what: string, options?: ErrorOptions & { offset?: number }) {
    super(`disk '${device}': ${what}`, options);
    this.code = code;
    this.device = device;
    this.offset = options?.offset;
  }
}
