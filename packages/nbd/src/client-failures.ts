import { DeviceError, type DeviceErrorCode } from "@blkmig/device";

import { ServerError } from "./client-server-error.ts";
import { ERROR } from "./nbd-numbers.ts";

/** What was asked of which disk, for a sentence: `write of 4096 bytes at 512`. */
export interface Asked {
  readonly device: string;
  readonly what: string;
  readonly offset: number;
  readonly writes: boolean;
}

/** A request's failure as the disk's. */
export function toDeviceError({ device, what, offset, writes }: Asked, error: unknown): DeviceError {
  if (error instanceof ServerError) {
    const code = codeOf(error.error, writes);
    const options = { cause: error, offset: error.offset ?? offset };
    return new DeviceError(code, device, `${what} refused by the server: ${error.message}`, options);
  }
  const { message } = error as Error;
  return new DeviceError("io", device, `${what} failed: ${message}`, { cause: error, offset });
}

function codeOf(error: number, writes: boolean): DeviceErrorCode {
  if (error === ERROR.ENOSPC) return "no-space";
  if (error === ERROR.EPERM) return writes ? "read-only" : "not-permitted";
  return "io";
}
