import type { Decoder, Segments } from "@blkmig/protocol";

interface Frame {
  readonly type: string;
}

/**
 * Puts a header where a decoder wants it, and takes its frames; a payload is in `landing` already, as if the wire had just
 * read it to there, so that no copy is measured that is the wire's.
 */
export function decodeFrame(decoder: Decoder<Frame>, [header, ...payload]: Segments, landing: Uint8Array): void {
  decoder.want().set(header!);
  decoder.accept(header!.length);
  while (decoder.next()?.type !== (payload.length > 0 ? "payload" : undefined));
  for (const { length } of payload) {
    decoder.land(landing);
    decoder.accept(length);
    while (decoder.next() !== undefined);
  }
}
