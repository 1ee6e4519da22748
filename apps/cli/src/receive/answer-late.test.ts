import { SESSION_MAGIC } from "@blkmig/protocol";
import { memoryPair } from "@blkmig/transport/memory";
import { expect, it } from "vitest";

import { answerLate } from "./answer-late.ts";
import { createSenderWire } from "./sender-wire.ts";

it("64 may have begun a session at disks that are served already; who comes then is hung up on, and told of", async () => {
  const dropped: string[] = [];
  const take = answerLate({ migration: "m", attempt: 1 }, (_, why) => void dropped.push(why));
  const fars = Array.from({ length: 65 }, () => {
    const [far, near] = memoryPair();
    take(createSenderWire(near, { is: "sender", speaks: "session", first: SESSION_MAGIC }, true));
    return far;
  });
  expect(dropped).toEqual(["64 others have begun a session and not been told yet"]);
  await expect(fars[64]!.read(new Uint8Array(1))).rejects.toThrow("went away");
  for (const far of fars) far.destroy();
});
