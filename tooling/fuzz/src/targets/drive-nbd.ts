import { Cuts } from "../cuts.ts";
import { Finding } from "../finding.ts";
import type { Feeding } from "../target.ts";

/** What all four decoders of NBD have in common. */
interface NbdDecoder<Frame> {
  want(): Uint8Array;
  accept(bytes: number): void;
  next(): Frame | undefined;
}

interface NbdRules<Frame> {
  /** The longest memory, landed or its own, in which bytes may be awaited. */
  readonly mostBytes: number;
  /** Takes a frame, and lands what it announces; "stop" where no more is read from this peer. */
  readonly take: (frame: Frame) => "go on" | "stop";
}

const CALLS = { eachByte: 8, least: 256 } as const;

/** Feeds a decoder of NBD to the end of the wire, or until whoever reads it has heard enough. Throws what it throws, and `Finding`. */
export function driveNbd<Frame>(
  decoder: NbdDecoder<Frame>,
  { bytes, seed }: Feeding,
  { mostBytes, take }: NbdRules<Frame>,
): "end" | "stop" {
  const cuts = new Cuts(seed, bytes.length);
  let calls = CALLS.least + bytes.length * CALLS.eachByte;
  for (let at = 0; at < bytes.length;) {
    const want = decoder.want();
    if (want.length === 0) throw new Finding("wants no bytes");
    if (want.length > mostBytes) throw new Finding(`awaits ${want.length} bytes at once`);
    const count = Math.min(want.length, bytes.length - at, cuts.next());
    for (let index = 0; index < count; index++) want[index] = bytes[at + index]!;
    decoder.accept(count);
    at += count;
    for (let frame = decoder.next(); frame; frame = decoder.next()) {
      if (calls-- < 0) throw new Finding("gives frames without end");
      if (take(frame) === "stop") return "stop";
    }
    if (calls-- < 0) throw new Finding("does not come to an end");
  }
  return "end";
}
