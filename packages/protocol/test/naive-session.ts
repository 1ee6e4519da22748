import type { Fed } from "./feed.ts";

/**
 * A session's codec written a second time, from docs/wire-format.md alone: all of the stream at once, a DataView, a
 * checksum bit by bit. It judges ours. Of messages it knows what `say` there is, not their fields.
 */
export type NaiveSessionFrame =
  | (NaiveExtent & { readonly type: "data"; readonly data: Uint8Array })
  | (NaiveExtent & { readonly type: "hole" })
  | (NaiveExtent & { readonly type: "hash"; readonly digest: Uint8Array | "zero" })
  | (NaiveExtent & { readonly type: "answer"; readonly equal: boolean })
  | { readonly type: "ack"; readonly written: number; readonly durable: number; readonly position?: number }
  | { readonly type: "message"; readonly message: object; readonly position?: number }
  | { readonly type: "ping"; readonly value: number; readonly position?: number }
  | { readonly type: "pong"; readonly value: number; readonly position?: number };

/** Whether data frames have a checksum, as was agreed. */
export type NaiveChecksums = "present" | "absent";

interface NaiveExtent {
  readonly disk: number;
  readonly offset: number;
  readonly length: number;
  readonly position?: number;
}

/** A frame's fields, as they stand on the wire. */
export interface NaiveHeader {
  readonly type: number;
  readonly flags?: number;
  readonly disk?: number;
  readonly size?: number;
  readonly offset?: bigint;
  readonly length?: bigint;
  readonly payloadCrc?: number;
  /** What the header's checksum is off by. */
  readonly wrong?: number;
}

const SAYS =
  "hello welcome refused flush flushed prepare ready seal sealed commit committed done abort aborted outcome state cancel failed";
const LAST = 2n ** 53n - 1n;

export function naiveCrc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc % 2 === 0 ? crc >>> 1 : (crc >>> 1) ^ 0xedb8_8320;
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

/** Any header, right or wrong, and its payload. */
export function naiveSessionFrame(header: NaiveHeader, payload: Uint8Array = new Uint8Array()): Uint8Array {
  const bytes = new Uint8Array(32 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, header.type);
  view.setUint8(1, header.flags ?? 0);
  view.setUint16(2, header.disk ?? 0);
  view.setUint32(4, header.size ?? payload.length);
  view.setBigUint64(8, header.offset ?? 0n);
  view.setBigUint64(16, header.length ?? 0n);
  view.setUint32(24, header.payloadCrc ?? naiveCrc32(payload));
  view.setUint32(28, naiveCrc32(bytes.subarray(0, 28)) ^ (header.wrong ?? 0));
  bytes.set(payload, 32);
  return bytes;
}

export function naiveSessionEncode(frame: NaiveSessionFrame, checksums: NaiveChecksums = "present"): Uint8Array {
  if (frame.type === "message") {
    return naiveSessionFrame({ type: 6 }, new TextEncoder().encode(JSON.stringify(frame.message)));
  }
  if (frame.type === "ping" || frame.type === "pong") {
    return naiveSessionFrame({ type: frame.type === "ping" ? 7 : 8, offset: BigInt(frame.value) });
  }
  if (frame.type === "ack") {
    return naiveSessionFrame({ type: 5, offset: BigInt(frame.written), length: BigInt(frame.durable) });
  }
  const extent = { disk: frame.disk, offset: BigInt(frame.offset), length: BigInt(frame.length) };
  if (frame.type === "data") {
    const unchecked = checksums === "absent" ? { payloadCrc: 0 } : {};
    return naiveSessionFrame({ ...extent, ...unchecked, type: 1 }, frame.data);
  }
  if (frame.type === "hole") return naiveSessionFrame({ ...extent, type: 2 });
  if (frame.type === "answer") return naiveSessionFrame({ ...extent, type: 4, flags: frame.equal ? 1 : 0 });
  return frame.digest === "zero"
    ? naiveSessionFrame({ ...extent, type: 3, flags: 1 })
    : naiveSessionFrame({ ...extent, type: 3 }, frame.digest);
}

class Fault extends Error {}

/** Decodes a stream behind its preface, whose bytes count in `position`. */
export function naiveSessionDecode(
  stream: Uint8Array,
  frameBytes: number = 2 ** 20,
  checksums: NaiveChecksums = "present",
): Fed<NaiveSessionFrame> {
  const frames: NaiveSessionFrame[] = [];
  let at = 0;
  try {
    while (at < stream.length) {
      const { frame, bytes } = one(stream.subarray(at), frameBytes, checksums);
      if (frame) frames.push({ ...frame, position: at + 8 });
      at += bytes;
    }
    return { frames };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { frames, error: { code: error.message, position: at + 8 } };
  }
}

function one(
  stream: Uint8Array,
  frameBytes: number,
  checksums: NaiveChecksums,
): { frame?: NaiveSessionFrame; bytes: number } {
  if (stream.length < 32) throw new Fault("truncated");
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  if (view.getUint32(28) !== naiveCrc32(stream.subarray(0, 28))) throw new Fault("bad-checksum");
  const [type, flags, disk, size] = [view.getUint8(0), view.getUint8(1), view.getUint16(2), view.getUint32(4)];
  const [offset, length, crc] = [view.getBigUint64(8), view.getBigUint64(16), view.getUint32(24)];
  const payload = stream.subarray(32, 32 + size);
  if (type >= 0x80) {
    if (size > frameBytes) throw new Fault("bad-frame");
    if (payload.length < size) throw new Fault("truncated");
    return { bytes: 32 + size };
  }
  if (type === 0 || type > 8) throw new Fault("bad-frame");
  if (flags > 1 || (flags === 1 && type !== 3 && type !== 4)) throw new Fault("unknown-flags");
  if (offset > LAST || length > LAST || (type <= 4 && offset + length > LAST)) throw new Fault("bad-offset");
  const digested = type === 3 && flags === 0;
  const unchecked = type === 1 && checksums === "absent";
  const impossible =
    (unchecked && crc !== 0) ||
    (type <= 4 && length === 0n) ||
    ((type === 1 || digested) && length > BigInt(frameBytes)) ||
    (type === 1 && BigInt(size) !== length) ||
    (digested && size !== 32) ||
    (type === 6 && (size === 0 || size > 128 * 1024)) ||
    (!digested && type !== 1 && type !== 6 && size !== 0) ||
    (type === 5 && length > offset) ||
    (type >= 5 && disk !== 0) ||
    (type === 6 && offset !== 0n) ||
    (type >= 6 && length !== 0n);
  if (impossible) throw new Fault("bad-frame");
  if (size === 0 && crc !== 0) throw new Fault("bad-checksum");
  if (payload.length < size) throw new Fault("truncated");
  if (!unchecked && naiveCrc32(payload) !== crc) throw new Fault("bad-checksum");
  const extent = { disk, offset: Number(offset), length: Number(length) };
  const bytes = 32 + size;
  if (type === 1) return { frame: { type: "data", ...extent, data: payload }, bytes };
  if (type === 2) return { frame: { type: "hole", ...extent }, bytes };
  if (type === 3) return { frame: { type: "hash", ...extent, digest: flags === 1 ? "zero" : payload }, bytes };
  if (type === 4) return { frame: { type: "answer", ...extent, equal: flags === 1 }, bytes };
  if (type === 5) return { frame: { type: "ack", written: extent.offset, durable: extent.length }, bytes };
  if (type === 7) return { frame: { type: "ping", value: extent.offset }, bytes };
  if (type === 8) return { frame: { type: "pong", value: extent.offset }, bytes };
  const message = spoken(payload);
  return message === undefined ? { bytes } : { frame: { type: "message", message }, bytes };
}

function spoken(payload: Uint8Array): object | undefined {
  let said: unknown;
  try {
    said = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    throw new Fault("bad-message");
  }
  if (typeof said !== "object" || said === null || !("say" in said)) throw new Fault("bad-message");
  if (SAYS.split(" ").includes(String(said.say))) return said;
  if ("optional" in said && said.optional === true) return undefined;
  throw new Fault("bad-message");
}
