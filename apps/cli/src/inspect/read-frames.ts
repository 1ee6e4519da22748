import { BLOCK_SIZE, createClassicDecoder, createEnvelopeDecoder, type EnvelopeFrame } from "@blkmig/protocol";

import { driveDecoder } from "./drive-decoder.ts";
import type { BegunStream } from "./open-stream.ts";

/**
 * The frames of a stream, classic or in QEMU's envelope, one after the other, in the memory of one block whatever its length. Bytes of
 * the machine are good until the next frame is asked for. Throws `ProtocolError` where it is no stream or stops inside a frame.
 */
export function readFrames({ is, chunks }: BegunStream): AsyncGenerator<EnvelopeFrame> {
  let payload: Uint8Array | undefined; // many a stream has none
  // With `keep` an envelope's RAM is counted to its end, and the machine's tail comes by.
  const decoder = is === "qemu" ? createEnvelopeDecoder({ keep: true }) : createClassicDecoder();
  return driveDecoder<EnvelopeFrame>(decoder, chunks, () => (payload ??= new Uint8Array(BLOCK_SIZE)));
}
