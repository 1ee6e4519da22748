import { SESSION_MAGIC } from "@blkmig/protocol";

import { recognise as recogniseBytes } from "../insides.ts";
import type { Target } from "../target.ts";
import { writeClassicFrame } from "./classic.ts";

/** Which wire it is, by its first bytes. */
export const recognise: Target = {
  name: "recognise",
  make(input, random) {
    const kind = random.int(4);
    if (kind === 0) input.put(SESSION_MAGIC);
    if (kind === 1) input.say("QEVM").u32(3);
    if (kind === 2) input.say("GET / HTTP/1.1");
    if (kind === 3) writeClassicFrame(input, random);
  },
  feed({ bytes }, trace) {
    trace.note(recogniseBytes(bytes).is);
  },
  mustReach: ["classic", "qemu", "session", "undecided", "foreign"],
};
