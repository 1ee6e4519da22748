import type { BlockDevice } from "@blkmig/device";

import { describeRuns } from "./serve-status.ts";
import type { CheckedRequest } from "./server-check.ts";
import type { Lease } from "./server-memory.ts";
import type { Descriptor } from "./server-replies.ts";

/** A request that the device is asked to do. */
export type DeviceRequest = Exclude<CheckedRequest, { readonly do: "refuse" | "leave" }>;

/**
 * Does a request at the device; what a read gives is in the lease's memory then. Throws what the device throws. A long one that `isWanted`
 * no more ends early: whoever asked has gone, and others wait until nothing of theirs is under way.
 */
export async function performRequest(
  device: BlockDevice,
  request: DeviceRequest,
  lease: Lease | undefined,
  isWanted: () => boolean,
): Promise<readonly Descriptor[] | undefined> {
  if (request.do === "flush") await device.flush();
  else if (request.do === "status") return describeRuns(device, request, isWanted);
  else if (request.do === "zero") {
    const { offset, length, unmap, fast, fua } = request;
    await device.zero(offset, length, { unmap, fast });
    if (fua) await device.flush();
  } else if (request.do === "write") {
    await device.write(request.offset, lease?.pieces ?? []);
    if (request.fua) await device.flush();
  } else if (request.do === "read") await readAll(device, request.offset, lease?.pieces ?? []);
  else if (request.do === "cache" && lease) await readThrough(device, request, lease.pieces[0]!, isWanted);
  return undefined;
}

/** How much memory a request needs: a cache's bytes go through a piece of it. */
export function memoryFor(request: DeviceRequest): number {
  if (request.do === "read" || request.do === "write") return request.length;
  return request.do === "cache" ? Math.min(request.length, CACHE_BYTES) : 0;
}

const CACHE_BYTES = 1024 * 1024;

async function readAll(device: BlockDevice, offset: number, pieces: readonly Uint8Array[]): Promise<void> {
  if (pieces.length === 1) return device.read(offset, pieces[0]!);
  let at = offset;
  const reads = pieces.map(async (piece) => {
    const from = at;
    at += piece.length;
    return device.read(from, piece);
  });
  // All of them: memory that is still read into may not be given back.
  const failed = (await Promise.allSettled(reads)).find((read) => read.status === "rejected");
  if (failed) throw failed.reason;
}

/** Reads all of it and keeps nothing: what the system has read it has at hand for the next who asks. */
async function readThrough(
  device: BlockDevice,
  { offset, length }: { readonly offset: number; readonly length: number },
  scratch: Uint8Array,
  isWanted: () => boolean,
): Promise<void> {
  for (let done = 0; done < length && isWanted(); done += scratch.length) {
    await device.read(offset + done, scratch.subarray(0, length - done));
  }
}
