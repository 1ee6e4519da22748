import { DeviceError } from "@blkmig/device";

import { ERROR } from "./nbd-numbers.ts";

/** Why a request was not done: a number of the protocol, and a sentence. */
export interface Refusal {
  readonly error: number;
  readonly message: string;
}

/** What a device's error means to a client. */
export function refusalOf(reason: unknown): Refusal {
  if (reason instanceof DeviceError) return { error: errorOf(reason), message: reason.message };
  if (reason instanceof RangeError) return { error: ERROR.EINVAL, message: reason.message };
  return { error: ERROR.EIO, message: reason instanceof Error ? reason.message : String(reason) };
}

function errorOf({ code }: DeviceError): number {
  if (code === "no-space") return ERROR.ENOSPC;
  if (code === "not-supported") return ERROR.ENOTSUP;
  if (code === "read-only" || code === "not-permitted") return ERROR.EPERM;
  return code === "closed" ? ERROR.ESHUTDOWN : ERROR.EIO;
}
