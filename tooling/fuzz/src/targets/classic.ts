import { BLOCK_SIZE, type ClassicFrame, createClassicDecoder } from "@blkmig/protocol";
import { naiveDecode, type SeededRandom } from "@blkmig/testkit";

import { drive } from "../drive.ts";
import { Finding } from "../finding.ts";
import type { Input } from "../input.ts";
import type { Feeding, Target } from "../target.ts";
import { Trace } from "../trace.ts";
import { NAMES } from "./words.ts";

const SCRATCH_BYTES = 32 * 1024;
const block = new Uint8Array(BLOCK_SIZE);
const naively = new Trace();

/** The classic stream, in both generations: with zero blocks, and where they are not known. */
export const classic: Target = {
  name: "classic",
  make(input, random) {
    for (let frames = 1 + random.int(6); frames > 0; frames--) writeClassicFrame(input, random);
  },
  feed(feeding, trace) {
    const generation = feeding.variant % 4 === 0 ? "1.0" : "1.1";
    const payloads = feeding.variant % 8 < 4 ? "from-nowhere" : "of-input";
    const rules = {
      ownBytes: SCRATCH_BYTES,
      landing: (frame: ClassicFrame) => (frame.type === "payload" ? block : undefined),
      take: (frame: ClassicFrame) => noteClassic(frame, trace),
      payloads,
    } as const;
    drive(createClassicDecoder({ generation }), feeding, rules, trace);
    if (payloads === "of-input") assertTwin(feeding, generation, trace);
  },
  // Where payloads come from nowhere, what came along with a header is payload too.
  cutsMatter: true,
  mustReach: [
    "payload",
    "block",
    "zero",
    "progress",
    "eos",
    "end",
    "bad-name",
    "bad-offset",
    "bad-progress",
    "truncated",
    "unknown-flags",
  ],
};

export function writeClassicFrame(input: Input, random: SeededRandom): void {
  const kind = random.int(10);
  if (kind < 2) return void input.u64(2);
  if (kind < 4) return void input.u64(random.int(102) * 512 + 4);
  const at = random.int(8) === 0 ? random.int(2 ** 21) * 2 ** 32 : random.int(4096) * BLOCK_SIZE;
  input.u64(at + (kind < 8 ? 9 : 1)).name(random.pick(NAMES));
}

/** Notes a frame but for a payload's header, which the naive codec does not know. */
export function noteClassic(frame: ClassicFrame, trace: Trace): void {
  if (frame.type === "payload") return trace.reach("payload");
  if (frame.type === "eos") return trace.note("eos", frame.position);
  if (frame.type === "progress") return trace.note("progress", frame.position, frame.percent);
  trace.note(frame.type, frame.position, frame.offset);
  trace.text(frame.device);
}

/** The naive codec must say the same. */
function assertTwin({ bytes }: Feeding, generation: "1.0" | "1.1", trace: Trace): void {
  const { frames, error } = naiveDecode(bytes, generation);
  naively.begin();
  for (const frame of frames) noteClassic(frame, naively);
  if (error) naively.note(error.code, error.position);
  else naively.note("end");
  if (naively.digest !== trace.digest) throw new Finding("says something else than the naive codec");
}
