import { CMD, CMD_FLAG, ERROR } from "./nbd-numbers.ts";
import type { Refusal } from "./server-errors.ts";
import type { Agreement } from "./server-negotiation.ts";
import type { NbdRequest } from "./server-requests.ts";

/** A request that may be done as it is, with its flags by name. */
export type CheckedRequest =
  | { readonly do: "read" | "cache"; readonly offset: number; readonly length: number }
  | { readonly do: "write"; readonly offset: number; readonly length: number; readonly fua: boolean }
  | {
      readonly do: "zero";
      readonly offset: number;
      readonly length: number;
      readonly unmap: boolean;
      readonly fast: boolean;
      readonly fua: boolean;
    }
  | { readonly do: "status"; readonly offset: number; readonly length: number; readonly one: boolean }
  | { readonly do: "flush" }
  | { readonly do: "leave" }
  | ({ readonly do: "refuse" } & Refusal);

/** Flags that a command may have. FUA is allowed everywhere, and means nothing where nothing is written. */
const FLAGS: ReadonlyMap<number, number> = new Map([
  [CMD.READ, CMD_FLAG.FUA | CMD_FLAG.DF],
  [CMD.WRITE, CMD_FLAG.FUA],
  [CMD.DISC, 0xff_ff],
  [CMD.FLUSH, CMD_FLAG.FUA],
  [CMD.TRIM, CMD_FLAG.FUA],
  [CMD.CACHE, CMD_FLAG.FUA],
  [CMD.WRITE_ZEROES, CMD_FLAG.FUA | CMD_FLAG.NO_HOLE | CMD_FLAG.FAST_ZERO],
  [CMD.BLOCK_STATUS, CMD_FLAG.FUA | CMD_FLAG.REQ_ONE],
]);

const WRITING: ReadonlySet<number> = new Set([CMD.WRITE, CMD.TRIM, CMD.WRITE_ZEROES]);
/** Those that would make a disk longer, if a disk could be. */
const FILLING: ReadonlySet<number> = new Set([CMD.WRITE, CMD.WRITE_ZEROES]);

/** Whether a request may be done, before anything is allocated for it or asked of the device. */
export function checkRequest(request: NbdRequest, agreement: Agreement): CheckedRequest {
  const { command, flags, offset, length } = request;
  const known = FLAGS.get(command);
  if (known === undefined) return refuse(ERROR.EINVAL, `command ${command} is not supported`);
  if (flags & ~known) return refuse(ERROR.EINVAL, `command ${command} has no flags 0x${(flags & ~known).toString(16)}`);
  if (command === CMD.DISC) return { do: "leave" };
  if (command === CMD.FLUSH) return { do: "flush" };
  const refusal = checkPlace(request, agreement) ?? checkLength(request, agreement);
  if (refusal) return refusal;
  const fua = (flags & CMD_FLAG.FUA) !== 0;
  if (command === CMD.READ) return { do: "read", offset, length };
  if (command === CMD.CACHE) return { do: "cache", offset, length };
  if (command === CMD.WRITE) return { do: "write", offset, length, fua };
  if (command === CMD.BLOCK_STATUS) return { do: "status", offset, length, one: (flags & CMD_FLAG.REQ_ONE) !== 0 };
  const unmap = command === CMD.TRIM || (flags & CMD_FLAG.NO_HOLE) === 0;
  return { do: "zero", offset, length, unmap, fast: (flags & CMD_FLAG.FAST_ZERO) !== 0, fua };
}

function checkPlace({ command, offset, length }: NbdRequest, { served }: Agreement): CheckedRequest | undefined {
  const { device, readOnly, blockSizes } = served;
  if (readOnly && WRITING.has(command)) return refuse(ERROR.EPERM, `export '${served.name}' is read-only`);
  if (length === 0) return refuse(ERROR.EINVAL, "a request of no bytes");
  if (offset > device.size || length > device.size - offset) {
    const error = FILLING.has(command) ? ERROR.ENOSPC : ERROR.EINVAL;
    return refuse(error, `${length} bytes at ${offset} leave the disk of ${device.size} bytes`);
  }
  const { minimum } = blockSizes;
  const isWhole = length % minimum === 0 || offset + length === device.size; // a disk's end may be no whole block
  if (offset % minimum === 0 && isWhole) return undefined;
  return refuse(ERROR.EINVAL, `${length} bytes at ${offset} are no whole blocks of ${minimum} bytes`);
}

function checkLength({ command, flags, length }: NbdRequest, agreement: Agreement): CheckedRequest | undefined {
  const { maximum } = agreement.served.blockSizes;
  if (command === CMD.WRITE && length > maximum) {
    return refuse(ERROR.EINVAL, `a write of ${length} bytes is longer than ${maximum}`);
  }
  if (command === CMD.READ && length > maximum) {
    return refuse(ERROR.EOVERFLOW, `a read of ${length} bytes is longer than ${maximum}`);
  }
  if (command === CMD.READ && flags & CMD_FLAG.DF && !agreement.structured) {
    return refuse(ERROR.EINVAL, "one chunk can only be asked for with structured replies");
  }
  if (command !== CMD.BLOCK_STATUS || agreement.allocation) return undefined;
  return refuse(ERROR.EINVAL, "base:allocation was not asked for");
}

function refuse(error: number, message: string): CheckedRequest {
  return { do: "refuse", error, message };
}
