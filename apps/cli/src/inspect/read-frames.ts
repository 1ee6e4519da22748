import { BLOCK_SIZE, type ClassicFrame, createClassicDecoder } from "@blkmig/protocol";

/**
 * The frames of a stream, one after the other, in the memory of one block whatever its length. Throws `ProtocolError` where it is no
 * stream or stops inside a frame.
 */
export async function* readFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ClassicFrame> {
  const decoder = createClassicDecoder();
  const payload = new Uint8Array(BLOCK_SIZE);
  for await (const chunk of chunks) {
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
  decoder.end();
}
