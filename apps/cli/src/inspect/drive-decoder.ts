import type { Decoder } from "@blkmig/protocol";

/** A frame's header, before its bytes. */
interface Payload {
  readonly type: "payload";
}

/**
 * The frames of a stream, one after the other. Payloads land where `landAt` says: it may be the same buffer for all, for a frame's
 * bytes are good until the next frame is asked for. Throws `ProtocolError` where it is no stream or stops inside a frame.
 */
export async function* driveDecoder<Frame extends { readonly type: string }>(
  decoder: Decoder<Frame>,
  chunks: AsyncIterable<Uint8Array>,
  landAt: (payload: Extract<Frame, Payload>) => Uint8Array,
): AsyncGenerator<Exclude<Frame, Payload>> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const want = decoder.want();
      const piece = chunk.subarray(at, at + want.length);
      want.set(piece);
      decoder.accept(piece.length);
      at += piece.length;
      for (let frame = decoder.next(); frame; frame = decoder.next()) {
        if (frame.type === "payload") decoder.land(landAt(frame as Extract<Frame, Payload>));
        else yield frame as Exclude<Frame, Payload>;
      }
    }
  }
  decoder.end();
}
