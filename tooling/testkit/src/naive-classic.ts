/*
 * The classic stream a second time, written from docs/wire-format.md as slowly and plainly as possible, on BigInt and a
 * whole stream in memory. It judges the real codec, so it imports nothing of ours.
 */

export type NaiveFrame =
  | { type: "block"; device: string; offset: number; data: Uint8Array; position: number }
  | { type: "zero"; device: string; offset: number; position: number }
  | { type: "progress"; percent: number; position: number }
  | { type: "eos"; position: number };

/** A frame to encode: where it will stand follows from the frames before it. */
export type NaiveItem =
  | { type: "block"; device: string; offset: number; data: Uint8Array }
  | { type: "zero"; device: string; offset: number }
  | { type: "progress"; percent: number }
  | { type: "eos" };

/** What a stream holds up to its end or its first fault. */
export interface NaiveStream {
  frames: NaiveFrame[];
  error?: { code: string; position: number };
  /** How many bytes the frames are. */
  length: number;
}

const MEBIBYTE = 1048576;

/** The bytes of frames, one after the other. */
export function naiveEncode(items: readonly NaiveItem[]): Uint8Array {
  const parts = items.map((item) => encodeItem(item));
  const stream = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    stream.set(part, at);
    at += part.length;
  }
  return stream;
}

function encodeItem(item: NaiveItem): Uint8Array {
  if (item.type === "eos") return word(2n);
  if (item.type === "progress") return word(BigInt(item.percent) * 512n + 4n);
  if (item.type === "zero") return Uint8Array.from([...word(BigInt(item.offset) + 9n), ...name(item.device)]);
  const header = [...word(BigInt(item.offset) + 1n), ...name(item.device)];
  const frame = new Uint8Array(header.length + MEBIBYTE);
  frame.set(header);
  frame.set(item.data, header.length);
  return frame;
}

function word(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

function name(device: string): number[] {
  const bytes = new TextEncoder().encode(device);
  return [bytes.length, ...bytes];
}

/** All frames of a stream and, where it is none, why and at which byte. Blocks' data are views of `stream`. */
export function naiveDecode(stream: Uint8Array, generation: "1.0" | "1.1" = "1.1"): NaiveStream {
  const frames: NaiveFrame[] = [];
  let at = 0;
  while (at < stream.length) {
    const read = naiveFrame(stream, at, generation);
    if ("code" in read) return { frames, length: at, error: read };
    frames.push(read.frame);
    at = read.end;
  }
  return { frames, length: at };
}

/** The frame at byte `at`, and where it ends; or why there is none. */
export function naiveFrame(
  stream: Uint8Array,
  at: number,
  generation: "1.0" | "1.1" = "1.1",
): { frame: NaiveFrame; end: number } | { code: string; position: number } {
  const truncated = { code: "truncated", position: at };
  if (stream.length < at + 8) return truncated;
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  const value = view.getBigUint64(at);
  const flags = value % 512n;
  const high = value / 512n;

  if (value === 2n) return { frame: { type: "eos", position: at }, end: at + 8 };
  if (flags === 4n) {
    if (high > 100n) return { code: "bad-progress", position: at };
    return { frame: { type: "progress", percent: Number(high), position: at }, end: at + 8 };
  }
  if (flags !== 1n && !(flags === 9n && generation === "1.1")) return { code: "unknown-flags", position: at };

  const offset = high * 512n;
  if (offset % 1048576n !== 0n) return { code: "bad-offset", position: at };
  if (offset + 1048576n > 9007199254740991n) return { code: "bad-offset", position: at };
  if (stream.length < at + 9) return truncated;
  const nameEnd = at + 9 + view.getUint8(at + 8);
  if (stream.length < nameEnd) return truncated;
  let device: string;
  try {
    device = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(stream.subarray(at + 9, nameEnd));
  } catch {
    return { code: "bad-name", position: at + 9 };
  }
  if (flags === 9n) return { frame: { type: "zero", device, offset: Number(offset), position: at }, end: nameEnd };
  const end = nameEnd + MEBIBYTE;
  if (stream.length < end) return truncated;
  const data = stream.subarray(nameEnd, end);
  return { frame: { type: "block", device, offset: Number(offset), data, position: at }, end };
}
