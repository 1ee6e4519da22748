import { crc32 } from "node:zlib";

import { createSessionDecoder, MOST_FRAME_BYTES, SESSION_MAGIC, type SessionFrame } from "@blkmig/protocol";
import type { SeededRandom } from "@blkmig/testkit";

import { drive } from "../drive.ts";
import { Finding } from "../finding.ts";
import type { Input } from "../input.ts";
import { naiveSessionDecode, type NaiveSessionFrame } from "../insides.ts";
import type { Feeding, Target } from "../target.ts";
import { Trace } from "../trace.ts";

const HEADER_BYTES = 32;
/** The scratch, or a message: 128 KiB are the most. */
const OWN_BYTES = 128 * 1024;
const LIMITS = [64, 512, 1024 * 1024, MOST_FRAME_BYTES] as const;
const landing = new Uint8Array(MOST_FRAME_BYTES);
const naively = new Trace();

/** A session's frames of every type, their checksums mostly right. */
export const sessionFrames: Target = {
  name: "session-frames",
  make(input, random) {
    input.put(SESSION_MAGIC);
    for (let frames = 1 + random.int(6); frames > 0; frames--) writeFrame(input, random);
    repairChecksums(input, random);
  },
  repair: repairChecksums,
  feed(feeding, trace) {
    const frameBytes = LIMITS[feeding.variant % 4]!;
    const checksums = feeding.variant % 8 < 6 ? "present" : "absent";
    feedSession(feeding, trace, { frameBytes, checksums });
    if (!isFlawedMagic(feeding.bytes)) assertTwin(feeding, { frameBytes, checksums }, trace);
  },
  mustReach: [
    "payload",
    "data",
    "hole",
    "hash",
    "hash zero",
    "answer",
    "ack",
    "message",
    "ping",
    "pong",
    "end",
    "bad-checksum",
    "bad-frame",
    "bad-magic",
    "bad-offset",
    "bad-message",
    "unknown-flags",
    "truncated",
  ],
};

interface Agreed {
  readonly frameBytes: number;
  readonly checksums: "present" | "absent";
}

export function feedSession(feeding: Feeding, trace: Trace, { frameBytes, checksums }: Agreed): void {
  const decoder = createSessionDecoder({ frameBytes, crc32 });
  decoder.setDataChecksums(checksums);
  const rules = {
    ownBytes: OWN_BYTES,
    landing(frame: SessionFrame) {
      if (frame.type !== "payload") return undefined;
      if (frame.length > frameBytes) throw new Finding(`lands ${frame.length} bytes where ${frameBytes} are agreed`);
      return landing;
    },
    take: (frame: SessionFrame) => noteFrame(frame, trace),
    payloads: "of-input",
  } as const;
  drive(decoder, feeding, rules, trace);
}

function noteFrame(frame: SessionFrame | NaiveSessionFrame, trace: Trace): void {
  if (frame.type === "payload") return trace.reach("payload");
  trace.note(frame.type, frame.position);
  if (frame.type === "message") {
    const { say } = frame.message as { readonly say: string };
    // What a HELLO of another version says besides is for nobody.
    return trace.text(say === "hello-other" ? "hello" : say);
  }
  if (frame.type === "ack") return trace.note("counts", frame.written, frame.durable);
  if (frame.type === "ping" || frame.type === "pong") return trace.note("value", frame.value);
  if (!("offset" in frame)) return;
  trace.note("extent", frame.offset, frame.length);
  if (frame.type === "data") trace.bytes(frame.data);
  if (frame.type === "answer") trace.note(frame.equal ? "equal" : "not equal");
  if (frame.type !== "hash") return;
  if (frame.digest === "zero") trace.note("hash zero");
  else trace.bytes(frame.digest);
}

function isFlawedMagic(bytes: Uint8Array): boolean {
  return SESSION_MAGIC.some((byte, at) => bytes[at] !== byte);
}

/** The naive codec must say the same, but where it does not know a message's fields. */
function assertTwin({ bytes }: Feeding, { frameBytes, checksums }: Agreed, trace: Trace): void {
  const { frames, error } = naiveSessionDecode(bytes.subarray(SESSION_MAGIC.length), frameBytes, checksums);
  if (frames.some(({ type }) => type === "message")) return;
  naively.begin();
  for (const frame of frames) noteFrame(frame, naively);
  if (error) naively.note(error.code, error.position);
  else naively.note("end");
  if (naively.digest !== trace.digest) throw new Finding("says something else than the naive codec");
}

function writeFrame(input: Input, random: SeededRandom): void {
  const at = input.length;
  const type = random.int(20) === 0 ? random.int(256) : 1 + random.int(8);
  const length = 1 + random.int(60);
  const size = type === 1 || type >= 0x80 ? length : type === 3 ? 32 : 0;
  const isZero = type === 3 && random.int(2) === 0;
  input.u8(type).u8(isZero ? 1 : type === 4 ? random.int(2) : 0);
  input.u16(type <= 4 ? random.int(3) : 0).u32(isZero ? 0 : size);
  input.u64(type === 6 ? 0 : (1 + random.int(1000)) * 512).u64(type >= 6 ? 0 : length);
  input.u64(0);
  if (type === 6) {
    input.say(random.pick(MESSAGES));
    input.patch(at + 4, input.length - at - HEADER_BYTES);
  } else if (!isZero) input.fill(random.int(256), size);
}

const MESSAGES = [
  '{"say":"flush","serial":1}',
  '{"say":"seal","attempt":1,"frames":9,"verified":true}',
  '{"say":"later","optional":true}',
  '{"say":"later"}',
  "{}",
  "",
] as const;

/** Makes the checksums of each frame right again, but for a few. */
export function repairChecksums(input: Input, random: SeededRandom): void {
  for (let at = SESSION_MAGIC.length; at + HEADER_BYTES <= input.length;) {
    const size = input.view.getUint32(at + 4);
    const payload = input.bytes.subarray(at + HEADER_BYTES, Math.min(at + HEADER_BYTES + size, input.length));
    if (random.int(30) > 0) input.patch(at + 24, size === 0 ? 0 : crc32(payload));
    if (random.int(60) > 0) input.patch(at + 28, crc32(input.bytes.subarray(at, at + 28)));
    at += HEADER_BYTES + size;
  }
}
