import { createReturnPathDecoder } from "@blkmig/protocol";

import { drive } from "../drive.ts";
import type { Target } from "../target.ts";

const SCRATCH_BYTES = 256;

/** What a receiver says back to QEMU. */
export const returnPath: Target = {
  name: "return-path",
  make(input, random) {
    for (let messages = 1 + random.int(40); messages > 0; messages--) {
      input.u16(random.int(20) === 0 ? random.int(4) : 1 + random.int(2)).u16(random.int(30) === 0 ? 8 : 4);
      input.u32(random.int(2) * 0xffff_ffff);
    }
  },
  feed(feeding, trace) {
    const rules = {
      ownBytes: SCRATCH_BYTES,
      landing: () => undefined,
      take: ({ type, value, position }: { type: string; value: number; position: number }) =>
        trace.note(type, value, position),
      payloads: "of-input",
    } as const;
    drive(createReturnPathDecoder(), feeding, rules, trace);
  },
  mustReach: ["shut", "pong", "end", "bad-message", "truncated"],
};
