import type { Target } from "../target.ts";
import { feedEnvelope, writeSection } from "./envelope.ts";
import { writeRamBody } from "./ram-words.ts";

/** Pages of RAM in every form, behind a head that lets them in. */
export const ramPages: Target = {
  name: "ram-pages",
  make(input, random) {
    input.say("QEVM").u32(3).u8(1).u32(2).name("block").u32(0).u32(1).u64(2).u8(0x7e).u32(2);
    input.u8(1).u32(3).name("ram").u32(0).u32(4);
    writeRamBody(input, random, random.int(8));
    input.u8(2).u32(3);
    writeRamBody(input, random, random.int(4));
    writeSection(input, random, { type: 3, id: 3, name: "ram" });
    writeSection(input, random, { type: 3, id: 2, name: "block" });
  },
  feed: feedEnvelope,
  cutsMatter: true,
  mustReach: [
    "zero pages",
    "plain pages",
    "xbzrle pages",
    "compressed pages",
    "section-end",
    "opaque",
    "end",
    "bad-section",
    "unknown-flags",
    "truncated",
  ],
};
