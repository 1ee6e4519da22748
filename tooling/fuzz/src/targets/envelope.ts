import { BLOCK_SIZE, createEnvelopeDecoder, type EnvelopeFrame } from "@blkmig/protocol";
import type { SeededRandom } from "@blkmig/testkit";

import { drive } from "../drive.ts";
import { Finding } from "../finding.ts";
import type { Input } from "../input.ts";
import type { Feeding, Target } from "../target.ts";
import type { Trace } from "../trace.ts";
import { noteClassic, writeClassicFrame } from "./classic.ts";
import { writeRamBody } from "./ram-words.ts";

const SCRATCH_BYTES = 32 * 1024;
const block = new Uint8Array(BLOCK_SIZE);

const CAPABILITIES = ["events", "return-path", "multifd", "x-colo", "zero-blocks"] as const;
const SUBSECTIONS = ["target-page-bits", "capabilities", "uuid", "uuid", "new"] as const;
const OTHERS = ["slirp", "dirty-bitmap", "0000:00:03.0/vfio", "timer"] as const;

/** QEMU's migration stream around a block section. */
export const envelope: Target = {
  name: "envelope",
  make(input, random) {
    input.say("QEVM").u32(random.int(60) === 0 ? 2 : 3);
    if (random.int(3) > 0) writeConfiguration(input, random);
    if (random.int(3) === 0) writeCommand(input, random);
    writeSection(input, random, { type: 1, id: 2, name: "block" });
    if (random.int(2) === 0) writeSection(input, random, { type: 1, id: 3, name: "ram" });
    for (let items = random.int(6); items > 0; items--) writeItem(input, random);
    writeSection(input, random, { type: 3, id: 2, name: "block" });
    if (random.int(2) === 0) writeSection(input, random, { type: 3, id: 3, name: "ram" });
    input.fill(0, random.int(3)).fill(0x7b, random.int(20));
  },
  feed: feedEnvelope,
  cutsMatter: true,
  mustReach: [
    "header",
    "configuration",
    "open-return-path",
    "ping",
    "section",
    "section-end",
    "machine",
    "opaque",
    "end",
    "payload",
    "block",
    "zero",
    "progress",
    "eos",
    "bad-magic",
    "bad-name",
    "bad-offset",
    "bad-progress",
    "bad-section",
    "truncated",
    "unknown-flags",
    "unsupported",
  ],
};

interface SectionHead {
  readonly type: 1 | 2 | 3 | 4;
  readonly id: number;
  readonly name: string;
}

export function feedEnvelope(feeding: Feeding, trace: Trace): void {
  const keep = feeding.variant % 2 === 0;
  let machineBytes = 0;
  const take = (frame: EnvelopeFrame): void => {
    if (frame.type === "machine") machineBytes += frame.bytes.length;
    noteEnvelope(frame, trace);
  };
  const rules = {
    ownBytes: SCRATCH_BYTES,
    landing: (frame: EnvelopeFrame) => (frame.type === "payload" ? block : undefined),
    take,
    payloads: feeding.variant % 4 < 3 ? "from-nowhere" : "of-input",
  } as const;
  drive(createEnvelopeDecoder({ keep }), feeding, rules, trace);
  if (machineBytes > feeding.bytes.length) throw new Finding(`makes ${machineBytes} bytes of a machine out of fewer`);
}

function noteEnvelope(frame: EnvelopeFrame, trace: Trace): void {
  switch (frame.type) {
    case "machine":
      return trace.reach("machine");
    case "command":
      return trace.note(frame.command, frame.value, frame.position);
    case "section":
      trace.reach(`${frame.kind} of ${frame.name}`);
      return trace.note(frame.type, frame.id, frame.position);
    case "section-end":
      for (const [kind, pages] of Object.entries(frame.pages ?? {})) if (pages > 0) trace.reach(`${kind} pages`);
      return trace.note(frame.type, frame.id, frame.position);
    case "header":
    case "configuration":
    case "opaque":
      return trace.note(frame.type, frame.position);
    case "payload":
    case "block":
    case "zero":
    case "progress":
    case "eos":
      return noteClassic(frame, trace);
  }
}

function writeConfiguration(input: Input, random: SeededRandom): void {
  const machine = random.pick(["pc-i440fx-7.2", "", "x".repeat(257), "ü"]);
  input.u8(7).u32(machine.length).say(machine);
  for (let left = random.int(5); left > 0; left--) {
    const name = random.pick(SUBSECTIONS);
    input.u8(5).name(`configuration/${name}`).u32(1);
    if (name === "target-page-bits") input.u32(random.int(9) === 0 ? 16 : 12);
    if (name === "uuid") input.fill(7, 16);
    if (name !== "capabilities") continue;
    const count = random.int(4);
    input.u32(random.int(20) === 0 ? 257 : count);
    for (let at = 0; at < count; at++) input.name(CAPABILITIES[random.int(random.int(4) === 0 ? 5 : 2)]!);
  }
}

function writeCommand(input: Input, random: SeededRandom): void {
  const number = random.int(10) === 0 ? random.int(12) : 1 + random.int(2);
  input.u8(8).u16(number);
  if (number === 2) input.u16(4).u32(random.int(1000));
  else input.u16(random.int(9) === 0 ? 1 : 0);
}

function writeItem(input: Input, random: SeededRandom): void {
  const kind = random.int(24);
  if (kind === 0) writeSection(input, random, { type: 4, id: 9, name: random.pick(OTHERS) });
  else if (kind === 1) writeSection(input, random, { type: 1, id: 2, name: "block" });
  else if (kind === 2) input.u8(random.int(9));
  else if (kind < 5) writeCommand(input, random);
  else if (kind < 14) writeSection(input, random, { type: 2, id: 2, name: "block" });
  else writeSection(input, random, { type: 2, id: 3, name: "ram" });
}

export function writeSection(input: Input, random: SeededRandom, { type, id, name }: SectionHead): void {
  input.u8(type).u32(id);
  const version = name === "ram" ? 4 : 1;
  if (type === 1 || type === 4)
    input
      .name(name)
      .u32(0)
      .u32(random.int(60) === 0 ? 3 : version);
  if (name === "ram") writeRamBody(input, random, random.int(4));
  else {
    for (let frames = random.int(3); frames > 0; frames--) writeClassicFrame(input, random);
    input.u64(2);
  }
  if (random.int(8) > 0) input.u8(0x7e).u32(random.int(60) === 0 ? 77 : id);
}
