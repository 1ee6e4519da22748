import { BLOCK_SIZE, type ClassicFrame, createClassicDecoder } from "@blkmig/protocol";

/** How many bytes at each end of a piece of payload are really copied. */
const EDGE = 16;

/** A stream in memory, and where a wire cuts it: the end of the chunk that begins at a byte. */
export interface SparseWire {
  readonly stream: Uint8Array;
  readonly chunkEnd: (at: number) => number;
}

/**
 * Decodes a stream that comes in chunks, and copies of each piece of payload only its ends, for which it checks that they
 * have come to lie where they belong: thousands of schedules of many MiB cost seconds. Gives the frames, blocks without
 * their data, as text.
 */
export function feedSparsely({ stream, chunkEnd }: SparseWire, landed: Uint8Array): string {
  const decoder = createClassicDecoder();
  const frames: string[] = [];
  let pieces: number[] = [];
  let payloadAt = 0; // the stream's byte at which the payload in `landed` begins
  let landing = false;
  for (let at = 0; at < stream.length;) {
    const end = Math.min(chunkEnd(at), stream.length);
    while (at < end) {
      const want = decoder.want();
      const bytes = Math.min(want.length, end - at);
      if (landing) {
        copyEnds(stream, at, want, bytes);
        pieces.push(at, at + bytes);
      } else want.set(stream.subarray(at, at + bytes));
      decoder.accept(bytes);
      at += bytes;
      for (let frame = decoder.next(); frame; frame = decoder.next()) {
        frames.push(text(frame));
        if (frame.type === "payload") {
          landed.fill(0xee, 0, 4 * EDGE);
          decoder.land(landed);
          payloadAt = frame.position + 9 + new TextEncoder().encode(frame.device).length;
          pieces = [payloadAt, at];
          landing = true;
        } else if (frame.type === "block") {
          frames.push(misplaced(stream, pieces, landed, payloadAt));
          landing = false;
        }
      }
    }
  }
  decoder.end();
  return frames.join("\n");
}

function copyEnds(stream: Uint8Array, at: number, into: Uint8Array, bytes: number): void {
  if (bytes <= 2 * EDGE) return into.set(stream.subarray(at, at + bytes));
  into.set(stream.subarray(at, at + EDGE));
  into.set(stream.subarray(at + bytes - EDGE, at + bytes), bytes - EDGE);
}

/** Looks at both ends of each piece [from, to) of the payload; says which first is not in its place. */
function misplaced(stream: Uint8Array, pieces: readonly number[], landed: Uint8Array, payloadAt: number): string {
  if (pieces.at(-1) !== payloadAt + BLOCK_SIZE) return `the payload took bytes up to ${pieces.at(-1)}`;
  for (let i = 0; i < pieces.length; i += 2) {
    const from = pieces[i] ?? 0;
    const to = pieces[i + 1] ?? 0;
    for (let at = from; at < to; at++) {
      if (at - from === EDGE && to - at > EDGE) at = to - EDGE;
      if (landed[at - payloadAt] !== stream[at]) return `the byte ${at} is not in its place`;
    }
  }
  return "in its place";
}

function text(frame: ClassicFrame): string {
  if (frame.type === "eos") return `eos ${frame.position}`;
  if (frame.type === "progress") return `progress ${frame.percent} ${frame.position}`;
  return `${frame.type} ${frame.device} ${frame.offset} ${frame.position}`;
}
