import { DeviceError, type DeviceErrorCode } from "./device-error.ts";

const CODES: Readonly<Record<string, DeviceErrorCode>> = {
  EACCES: "not-permitted",
  EPERM: "not-permitted",
  EBUSY: "in-use",
  ETXTBSY: "in-use",
  EDQUOT: "no-space",
  ENOSPC: "no-space",
  EROFS: "read-only",
};

/** Codes that mean something else while a path is being opened. */
const OPENING: Readonly<Record<string, DeviceErrorCode>> = {
  EISDIR: "not-a-disk",
  ELOOP: "not-found",
  ENODEV: "not-found",
  ENOENT: "not-found",
  ENOMEDIUM: "not-found",
  ENOTDIR: "not-found",
  ENXIO: "not-found",
};

/** The `DeviceError` for what the system said to a request; `what` says which. A `DeviceError` stays as it is. */
export function requestFailed(device: string, what: string, offset: number, error: unknown): DeviceError {
  if (error instanceof DeviceError) return error;
  const code = CODES[codeOf(error)] ?? "io";
  return new DeviceError(code, device, `${what} failed: ${textOf(error)}`, { cause: error, offset });
}

/** The `DeviceError` for what the system said when the disk was to be opened. */
export function openingFailed(device: string, error: unknown): DeviceError {
  if (error instanceof DeviceError) return error;
  const code = OPENING[codeOf(error)] ?? CODES[codeOf(error)] ?? "io";
  return new DeviceError(code, device, `cannot be opened: ${textOf(error)}`, { cause: error });
}

/** The system's name of an error, "ENOSPC"; empty if it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
