import { NbdError } from "@blkmig/nbd";

import { refusalIn } from "../finding.ts";
import { createRequestDecoder } from "../insides.ts";
import type { Target } from "../target.ts";
import { driveNbd } from "./drive-nbd.ts";

const REQUEST_MAGIC = 0x2560_9513;
const WRITE = 1;
const SCRATCH_BYTES = 32 * 1024;
const MOST_PAYLOAD_BYTES = 64 * 1024;
const memory = new Uint8Array(MOST_PAYLOAD_BYTES);

/** What clients say to our NBD server once they have an export. */
export const nbdServerRequests: Target = {
  name: "nbd-server-requests",
  make(input, random) {
    for (let requests = 1 + random.int(8); requests > 0; requests--) {
      const command = random.int(12) === 0 ? random.int(0x1_0000) : random.pick([0, 1, 1, 1, 2, 3, 4, 5, 6, 7]);
      const length = random.int(40) === 0 ? random.pick([0, 0xffff_ffff, 40_000]) : random.int(200);
      input
        .u32(random.int(60) === 0 ? 0 : REQUEST_MAGIC)
        .u16(random.int(32))
        .u16(command);
      input.u32(random.int(9)).u32(requests);
      input.u64(random.int(1000) * 512).u32(length);
      if (command === WRITE) input.fill(random.int(256), Math.min(length, 40_000));
    }
  },
  feed(feeding, trace) {
    const decoder = createRequestDecoder("the fuzzer");
    try {
      driveNbd(decoder, feeding, {
        mostBytes: Math.max(SCRATCH_BYTES, MOST_PAYLOAD_BYTES),
        take(frame) {
          trace.note(frame.type);
          if (frame.type === "payload") return "go on";
          const { command, offset, length, cookieLow } = frame.request;
          trace.note(command > 7 ? "unknown command" : `command ${command}`, offset, length);
          trace.note("cookie", cookieLow);
          if (!decoder.isLanding) return "go on";
          const lands = length <= MOST_PAYLOAD_BYTES && feeding.variant % 4 > 0;
          trace.note(lands ? "landed" : "passed over");
          if (!lands) decoder.pass();
          else decoder.land([memory.subarray(0, length >> 1), memory.subarray(length >> 1, length)]);
          return "go on";
        },
      });
      trace.note(decoder.isBetween ? "end between" : "end inside");
    } catch (error) {
      trace.note(refusalIn(error, NbdError).code ?? "");
    }
  },
  mustReach: [
    "request",
    "payload",
    "landed",
    "passed over",
    "unknown command",
    "end between",
    "end inside",
    "protocol",
    ...Array.from({ length: 8 }, (_, command) => `command ${command}`),
  ],
};
