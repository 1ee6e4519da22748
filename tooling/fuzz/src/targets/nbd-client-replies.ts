import type { SeededRandom } from "@blkmig/testkit";

import { Finding, refusalIn } from "../finding.ts";
import type { Input } from "../input.ts";
import { extentsOf, Malformed, ReplyDecoder } from "../insides.ts";
import type { Feeding, Target } from "../target.ts";
import type { Trace } from "../trace.ts";
import { driveNbd } from "./drive-nbd.ts";

const SIMPLE_MAGIC = 0x6744_6698;
const STRUCTURED_MAGIC = 0x668e_33ef;
const DONE = 1;
const [NONE, DATA, HOLE, STATUS, ERROR, ERROR_OFFSET] = [0, 1, 2, 5, 0x8001, 0x8002] as const;
const KINDS = [NONE, DATA, DATA, HOLE, STATUS, STATUS, ERROR, ERROR_OFFSET] as const;
/** A million runs: what a server may describe at once. */
const MOST_BODY_BYTES = 4 + 8 * 2 ** 20;
const READ_BYTES = 512;
const memory = new Uint8Array(64 * 1024);

/** What servers say to our NBD client's requests: simple replies, and structured ones with every kind of chunk. */
export const nbdClientReplies: Target = {
  name: "nbd-client-replies",
  make(input, random) {
    for (let replies = 1 + random.int(6); replies > 0; replies--) {
      if (random.int(4) > 0) writeChunk(input, random);
      else
        input
          .u32(SIMPLE_MAGIC)
          .u32(random.int(2) * 5)
          .u64(replies)
          .fill(1, random.int(2) * READ_BYTES);
    }
  },
  feed(feeding, trace) {
    const decoder = new ReplyDecoder(feeding.variant % 8 === 0 ? "simple" : "structured");
    try {
      driveNbd(decoder, feeding, { mostBytes: MOST_BODY_BYTES, take: (frame) => take(decoder, frame, feeding, trace) });
      trace.note(decoder.isBetween ? "end between" : "end inside");
    } catch (error) {
      refusalIn(error, Malformed);
      trace.note("malformed");
    }
  },
  mustReach: [
    "simple",
    "data",
    "landed",
    "hole",
    "status",
    "error",
    "none",
    "extents",
    "too long",
    "end between",
    "end inside",
    "malformed",
  ],
};

type ReplyFrame = NonNullable<ReturnType<ReplyDecoder["next"]>>;

function take(decoder: ReplyDecoder, frame: ReplyFrame, { variant }: Feeding, trace: Trace): "go on" | "stop" {
  trace.note(frame.type, "cookie" in frame ? frame.cookie : 0);
  if (frame.type === "simple" && frame.error === 0 && variant % 2 === 0) {
    decoder.land(memory.subarray(0, READ_BYTES));
  }
  if (frame.type === "data") {
    // A client knows how much it has asked for.
    if (frame.length > memory.length) return tooLong(trace);
    decoder.land(memory.subarray(0, frame.length));
  }
  if (frame.type === "status") describe(frame.runs, trace);
  if (frame.type === "error") trace.text(frame.message);
  return "go on";
}

function tooLong(trace: Trace): "stop" {
  trace.note("too long");
  return "stop";
}

/** What is described must lie side by side, in what was asked about. */
function describe(runs: Extract<ReplyFrame, { type: "status" }>["runs"], trace: Trace): void {
  const end = 2 ** 20;
  const extents = extentsOf({ allocation: runs, depth: undefined }, 0, 4096, end);
  let at = 4096;
  for (const { offset, length } of extents) {
    if (offset !== at || length < 1) throw new Finding(`describes ${length} bytes at ${offset}, and not at ${at}`);
    at = offset + length;
  }
  if (at > end) throw new Finding(`describes bytes up to ${at}, beyond what was asked about`);
  trace.note("extents", extents.length);
}

function writeChunk(input: Input, random: SeededRandom): void {
  const kind = random.int(40) === 0 ? random.int(0x1_0000) : random.pick(KINDS);
  const isLast = kind === NONE || random.int(2) === 0;
  input
    .u32(STRUCTURED_MAGIC)
    .u16(isLast ? DONE : 0)
    .u16(kind)
    .u64(random.int(9))
    .u32(0);
  const at = input.length;
  if (kind === DATA) input.u64(random.int(9) * 512).fill(7, 1 + random.int(700));
  if (kind === HOLE) input.u64(random.int(9) * 512).u32(random.int(9) * 512);
  if (kind === STATUS) writeRuns(input, random);
  if (kind >= ERROR)
    input
      .u32(random.int(12) === 0 ? 0 : 5)
      .u16(6)
      .say("broken");
  if (kind === ERROR_OFFSET) input.u64(4096);
  input.patch(at - 4, random.int(60) === 0 ? random.pick([0, 9, 0x20_0000, 0xffff_ffff]) : input.length - at);
}

function writeRuns(input: Input, random: SeededRandom): void {
  input.u32(1);
  for (let runs = random.int(12); runs > 0; runs--) input.u32((1 + random.int(600)) * 512).u32(random.int(4));
}
