import { SESSION_MAGIC } from "@blkmig/protocol";
import type { SeededRandom } from "@blkmig/testkit";

import type { Input } from "../input.ts";
import type { Target } from "../target.ts";
import { vary } from "../vary.ts";
import { feedSession, repairChecksums } from "./session-frames.ts";

const HEADER_BYTES = 32;
const FRAME_BYTES = 1024 * 1024;
const disk = { name: "drive0", size: 1_048_576, granularity: 65_536, sectorSize: 512 };

const MESSAGES: readonly object[] = [
  {
    say: "hello",
    versions: [2, 2],
    features: ["hand-over"],
    migration: "m-1",
    source: "s-1",
    disks: [disk, { ...disk, name: "b" }],
    frameBytes: FRAME_BYTES,
    resume: false,
    incremental: false,
    clone: false,
  },
  { say: "hello", versions: [3, 4] },
  {
    say: "welcome",
    version: 2,
    features: [],
    sink: "t-1",
    epoch: 1,
    frameBytes: FRAME_BYTES,
    window: 4 * FRAME_BYTES,
    state: "open",
    attempt: 0,
    held: [[[0, 4096]], []],
  },
  { say: "refused", code: "busy", message: "no" },
  { say: "flush", serial: 1 },
  { say: "flushed", serial: 1, ms: 1.5 },
  { say: "prepare", attempt: 1 },
  { say: "ready", attempt: 1, serve: "nbd://host" },
  { say: "seal", attempt: 1, frames: 3, verified: true },
  { say: "sealed", attempt: 1 },
  { say: "commit", attempt: 1 },
  { say: "committed", attempt: 1, serve: "nbd://host" },
  { say: "abort", attempt: 1 },
  { say: "aborted", attempt: 1 },
  { say: "outcome", attempt: 1 },
  { say: "state", attempt: 1, state: "unknown" },
  { say: "done", attempt: 1 },
  { say: "cancel", message: "by hand" },
  { say: "failed", code: "io", message: "it broke" },
  { say: "tomorrow", optional: true },
];

/** What the two ends of a session say, as JSON that is almost right, in frames that are. */
export const sessionMessages: Target = {
  name: "session-messages",
  make(input, random) {
    input.put(SESSION_MAGIC);
    for (let messages = 1 + random.int(3); messages > 0; messages--) writeMessage(input, random);
    repairChecksums(input, random);
  },
  repair: repairChecksums,
  feed(feeding, trace) {
    feedSession(feeding, trace, { frameBytes: FRAME_BYTES, checksums: "present" });
  },
  mustReach: ["message", "bad-message", "bad-name", "bad-frame", "truncated", "end"],
};

function writeMessage(input: Input, random: SeededRandom): void {
  const at = input.length;
  input.u8(6).u8(0).u16(0).u32(0).u64(0).u64(0).u64(0);
  if (random.int(400) === 0) input.fill(random.pick([0x5b, 0x7b, 0x22]), random.int(9000));
  else input.say(JSON.stringify(vary(random.pick(MESSAGES), random)) ?? "");
  input.patch(at + 4, input.length - at - HEADER_BYTES);
}
