import { createMemoryDevice } from "@blkmig/device";
import { NbdError, type NbdExport } from "@blkmig/nbd";
import type { SeededRandom } from "@blkmig/testkit";

import { Finding, refusalIn } from "../finding.ts";
import type { Input } from "../input.ts";
import { createHandshakeDecoder, createNegotiation } from "../insides.ts";
import type { Feeding, Target } from "../target.ts";
import type { Trace } from "../trace.ts";
import { driveNbd } from "./drive-nbd.ts";
import { NAMES } from "./words.ts";

const OPTION_MAGIC = "IHAVEOPT";
const [EXPORT_NAME, INFO, GO, LIST_CONTEXTS, SET_CONTEXTS] = [1, 6, 7, 9, 10] as const;
const MOST_OPTION_BYTES = 64 * 1024;
/** One option of a few bytes is answered with no more than this. */
const MOST_ANSWER_BYTES = 64 * 1024;
const QUERIES = ["base:allocation", "base:", "qemu:allocation-depth", "blkmig:link:key", "blkmig:", "", "x:y"] as const;

const device = createMemoryDevice({ size: 1024 * 1024 });
const EXPORTS: readonly NbdExport[] = [
  { name: "drive0", description: "a disk", device, link: { run: "r", disk: "d" } },
  { name: "dé", device },
];

/** What clients say to our NBD server before they have an export, and what it answers. */
export const nbdServerHandshake: Target = {
  name: "nbd-server-handshake",
  make(input, random) {
    input.u32(random.int(30) === 0 ? random.int(8) : 3);
    for (let options = 1 + random.int(6); options > 0; options--) writeOption(input, random);
  },
  feed(feeding, trace) {
    try {
      trace.note(feedHandshake(feeding, trace));
    } catch (error) {
      trace.note(refusalIn(error, NbdError).code ?? "");
    }
  },
  mustReach: [
    "flags",
    "option",
    "oversized",
    "go-on",
    "leave",
    "secure",
    "transmit",
    "hang-up",
    "fence",
    "denied",
    "protocol",
    "end",
  ],
};

function feedHandshake(feeding: Feeding, trace: Trace): string {
  const tls = feeding.variant % 4 === 0 ? "required" : "none";
  const negotiation = createNegotiation({ exports: () => EXPORTS, tls, payloadBytes: 1024 * 1024 });
  return driveNbd(createHandshakeDecoder("the fuzzer"), feeding, {
    mostBytes: MOST_OPTION_BYTES,
    take(frame) {
      trace.note(frame.type);
      const { send, fence, denied, next } = negotiation.answer(frame);
      const answered = send.reduce((sum, piece) => sum + piece.length, 0);
      if (answered > MOST_ANSWER_BYTES) throw new Finding(`answers one option with ${answered} bytes`);
      trace.note(next.do, answered);
      if (fence) trace.note("fence");
      if (denied !== undefined) trace.note("denied");
      if (next.do === "secure") negotiation.secured();
      return next.do === "go-on" || next.do === "secure" ? "go on" : "stop";
    },
  });
}

function writeOption(input: Input, random: SeededRandom): void {
  const option = random.int(20) === 0 ? random.int(14) : random.pick([1, 2, 3, 5, 6, 7, 8, 9, 10, 10, 8, 6]);
  input.say(OPTION_MAGIC).u32(option).u32(0);
  const at = input.length;
  if (option === EXPORT_NAME) input.say(random.pick(NAMES));
  if (option === INFO || option === GO) writeInfo(input, random);
  if (option === LIST_CONTEXTS || option === SET_CONTEXTS) writeContexts(input, random);
  if (random.int(1000) === 0) input.fill(random.int(256), MOST_OPTION_BYTES);
  const length = input.length - at;
  input.patch(at - 4, random.int(200) === 0 ? random.pick([length + 1, 2 ** 20, 2 ** 20 + 1]) : length);
}

function writeText(input: Input, words: string): void {
  const at = input.length;
  input.u32(0).say(words);
  input.patch(at, input.length - at - 4);
}

function writeInfo(input: Input, random: SeededRandom): void {
  writeText(input, random.pick(NAMES));
  const count = random.int(5);
  input.u16(count);
  for (let at = 0; at < count; at++) input.u16(random.int(5));
}

function writeContexts(input: Input, random: SeededRandom): void {
  writeText(input, random.pick(["drive0", "drive0", "drive0", ...NAMES]));
  const count = random.int(5);
  input.u32(random.int(60) === 0 ? 1025 : count);
  for (let at = 0; at < count; at++) writeText(input, random.pick(QUERIES));
}
