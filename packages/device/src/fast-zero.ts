import { DeviceError } from "./device-error.ts";

/** Why a disk refuses a `fast` zeroing: it would have to write zeroes. */
export function notFaster(device: string, offset: number, length: number): DeviceError {
  const what = `zeroing of ${length} bytes at ${offset} is not faster here than writing zeroes`;
  return new DeviceError("not-supported", device, what, { offset });
}
