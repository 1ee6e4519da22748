import { BLOCK_SIZE, type Decoder, type EnvelopeFrame } from "@blkmig/protocol";

import { type Fed, feed } from "./feed.ts";

/** What came out of an envelope's decoder; machine frames have bytes of their own. */
export interface FedEnvelope extends Fed<EnvelopeFrame> {
  /** The bytes of all machine frames, one after the other. */
  readonly machine: Uint8Array;
}

/** Lets an envelope's decoder read a whole stream, and copies the machine's bytes before they are gone. */
export function feedEnvelope(
  decoder: Decoder<EnvelopeFrame>,
  stream: Uint8Array,
  chunk: () => number = () => stream.length,
  land: () => Uint8Array = () => new Uint8Array(BLOCK_SIZE),
): FedEnvelope {
  const copying: Decoder<EnvelopeFrame> = {
    want: () => decoder.want(),
    accept: (bytes) => decoder.accept(bytes),
    next: () => {
      const frame = decoder.next();
      return frame?.type === "machine" ? { ...frame, bytes: frame.bytes.slice() } : frame;
    },
    land: (buffer) => decoder.land(buffer),
    end: () => decoder.end(),
  };
  const fed = feed(copying, stream, { chunk, land });
  const machine = joined(fed.frames.flatMap((frame) => (frame.type === "machine" ? [frame.bytes] : [])));
  return { ...fed, machine };
}

/** Pieces, one after the other. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
