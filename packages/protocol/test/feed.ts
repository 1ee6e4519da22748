import { BLOCK_SIZE, type Decoder, ProtocolError } from "@blkmig/protocol";

/** What came out of a decoder: frames, and the error that ended them. */
export interface Fed<Frame> {
  readonly frames: Frame[];
  readonly error?: { readonly code: string; readonly position: number };
}

export interface FeedOptions {
  /** The length of each chunk that the wire delivers, asked once a chunk; a chunk may take several reads. All, unless given. */
  readonly chunk?: () => number;
  /** What is landed; a fresh block each time, unless given. */
  readonly land?: () => Uint8Array;
}

/** Lets a decoder read a whole stream from a wire that delivers it in chunks, then end. Throws only what is no `ProtocolError`. */
export function feed<Frame extends { readonly type: string }>(
  decoder: Decoder<Frame>,
  stream: Uint8Array,
  { chunk = () => stream.length, land = () => new Uint8Array(BLOCK_SIZE) }: FeedOptions = {},
): Fed<Frame> {
  const frames: Frame[] = [];
  try {
    for (let at = 0; at < stream.length;) {
      const chunkEnd = Math.min(at + chunk(), stream.length);
      while (at < chunkEnd) {
        const want = decoder.want();
        const bytes = Math.min(want.length, chunkEnd - at);
        want.set(stream.subarray(at, at + bytes));
        decoder.accept(bytes);
        at += bytes;
        for (let frame = decoder.next(); frame; frame = decoder.next()) {
          frames.push(frame);
          if (frame.type === "payload") decoder.land(land());
        }
      }
    }
    decoder.end();
    return { frames };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { frames, error: { code: error.code, position: error.position } };
  }
}

/** The frames without the payload headers that announced their blocks: what the naive codec gives. */
export function withoutPayloads<Frame extends { readonly type: string }>(fed: Fed<Frame>): Fed<Frame> {
  return { ...fed, frames: fed.frames.filter((frame) => frame.type !== "payload") };
}

/** The frames without their blocks' data, to compare with `toEqual`; `sameBytes` compares data. */
export function withoutData(frames: readonly object[]): object[] {
  return frames.map((frame) =>
    "data" in frame ? Object.fromEntries(Object.entries(frame).filter(([key]) => key !== "data")) : frame,
  );
}

/** A frame's data; nothing, where it has none. */
export function dataOf(frame: object | undefined): Uint8Array {
  return frame && "data" in frame && frame.data instanceof Uint8Array ? frame.data : new Uint8Array();
}

/** Random numbers that are the same in every run (mulberry32): from 0 to 1, without 1. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Whether two arrays hold the same bytes; much faster than `toEqual` for blocks. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
