import {
  BLOCK_SIZE,
  createClassicDecoder,
  createEnvelopeDecoder,
  type Decoder,
  type EnvelopeFrame,
} from "@blkmig/protocol";

import { recognise } from "../receive/recognise.ts";

/**
 * The frames of a stream, classic or in QEMU's envelope, one after the other, in the memory of one block whatever its length. Bytes of
 * the machine are good until the next frame is asked for. Throws `ProtocolError` where it is no stream or stops inside a frame.
 */
export async function* readFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<EnvelopeFrame> {
  let decoder: Decoder<EnvelopeFrame> | undefined;
  const payload = new Uint8Array(BLOCK_SIZE);
  for await (const chunk of chunks) {
    decoder ??= decoderFor(chunk);
    for (let at = 0; at < chunk.length;) {
      const want = decoder.want();
      const piece = chunk.subarray(at, at + want.length);
      want.set(piece);
      decoder.accept(piece.length);
      at += piece.length;
      for (let frame = decoder.next(); frame; frame = decoder.next()) {
        if (frame.type === "payload") decoder.land(payload);
        else yield frame;
      }
    }
  }
  decoder?.end();
}

/** By the stream's first bytes. With `keep` an envelope's RAM is counted to its end, and the machine's tail comes by. */
function decoderFor(first: Uint8Array): Decoder<EnvelopeFrame> {
  return recognise(first).is === "qemu" ? createEnvelopeDecoder({ keep: true }) : createClassicDecoder();
}
