import { type Decoder, ProtocolError } from "@blkmig/protocol";

import { Cuts } from "./cuts.ts";
import { Finding, refusalIn } from "./finding.ts";
import type { Feeding } from "./target.ts";
import type { Trace } from "./trace.ts";

/** What a decoder of the wire must keep to. */
export interface DriveRules<Frame> {
  /** The longest memory of its own in which it may await bytes. */
  readonly ownBytes: number;
  /** Where the payload of this header lands; undefined for a frame without one. */
  readonly landing: (frame: Frame) => Uint8Array | undefined;
  /** Notes a frame. */
  readonly take: (frame: Frame) => void;
  /** Payloads come from nowhere, whole: MiB that need not be made. Else they are of the input. */
  readonly payloads: "of-input" | "from-nowhere";
}

/** Calls beyond which a decoder is said to hang, for each byte and in all. */
const CALLS = { eachByte: 8, least: 256 } as const;

/** Bytes from which on they are copied faster by the engine than one by one. */
const LONG = 64;

/** Feeds a decoder by its contract, to the end of the wire, and notes why it refused. Throws `Finding`. */
export function drive<Frame>(decoder: Decoder<Frame>, feeding: Feeding, rules: DriveRules<Frame>, trace: Trace): void {
  try {
    feedAll(decoder, feeding, rules);
    decoder.end();
    trace.note("end");
  } catch (error) {
    const { code = "", position = -1 } = refusalIn(error, ProtocolError);
    if (position < 0 || !Number.isSafeInteger(position)) throw new Finding(`refuses what is at byte ${position}`);
    trace.note(code, position);
    assertFailed(decoder, error);
  }
}

function feedAll<Frame>(decoder: Decoder<Frame>, { bytes, seed }: Feeding, rules: DriveRules<Frame>): void {
  const cuts = new Cuts(seed, bytes.length);
  let landed: Uint8Array | undefined;
  let calls = CALLS.least + bytes.length * CALLS.eachByte;
  const drain = (): void => {
    for (let frame = decoder.next(); frame; frame = decoder.next()) {
      if (calls-- < 0) throw new Finding("gives frames without end");
      const landing = rules.landing(frame);
      rules.take(frame);
      if (landing) decoder.land(landing);
      landed = landing;
    }
  };
  for (let at = 0; at < bytes.length;) {
    if (calls-- < 0) throw new Finding("does not come to an end");
    const want = decoder.want();
    if (want.length === 0) throw new Finding("wants no bytes");
    if (want.buffer !== landed?.buffer && want.buffer.byteLength > rules.ownBytes) {
      throw new Finding(`holds ${want.buffer.byteLength} bytes of its own`);
    }
    const count = Math.min(want.length, bytes.length - at, cuts.next());
    if (count > LONG) want.set(bytes.subarray(at, at + count));
    else for (let index = 0; index < count; index++) want[index] = bytes[at + index]!;
    decoder.accept(count);
    at += count;
    drain();
    while (landed && rules.payloads === "from-nowhere") {
      const rest = decoder.want();
      if (rest.buffer !== landed.buffer) throw new Finding("takes a payload into other memory than was given");
      decoder.accept(Math.ceil(rest.length / 2));
      drain();
    }
  }
}

/** What was thrown once is thrown for ever. */
function assertFailed(decoder: Decoder<unknown>, error: unknown): void {
  for (const ask of [() => decoder.want(), () => decoder.next(), () => decoder.end()]) {
    try {
      ask();
    } catch (again) {
      if (again === error) continue;
      throw new Finding("has failed, and then fails in another way", { cause: again });
    }
    throw new Finding("has failed, and goes on");
  }
}
