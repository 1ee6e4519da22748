import { getSystemErrorMap } from "node:util";

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
export function openingFailed(device: string, path: string, error: unknown): DeviceError {
  if (error instanceof DeviceError) return error;
  const code = OPENING[codeOf(error)] ?? CODES[codeOf(error)] ?? "io";
  return new DeviceError(code, device, `${subjectOf(device, path)} cannot be opened: ${textOf(error)}`, {
    cause: error,
  });
}

/** What the sentence about the disk at that path begins with: one that is called by its path is not told it twice. */
export function subjectOf(device: string, path: string): string {
  return device === path ? "it" : path;
}

/** The system's name of an error, "ENOSPC"; empty if it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** The system's words, and its code in brackets; not the call nor the path, which our own sentence has. */
export function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = "errno" in error && typeof error.errno === "number" && getSystemErrorMap().get(error.errno);
  return known ? `${known[1]} (${known[0]})` : error.message;
}
