import { SESSION_MAGIC } from "@blkmig/protocol";
import { createSinkSession } from "@blkmig/sink";
import type { Connection } from "@blkmig/transport";
import { memoryPair } from "@blkmig/transport/memory";
import { expect, it } from "vitest";

import { createSenderWire, type SenderWire } from "./sender-wire.ts";
import { receiveVisits } from "./session-visits.ts";

/** A peer that has said the magic of a session, and its end of the wire. */
function createPeer(): { readonly wire: SenderWire; readonly far: Connection } {
  const [far, near] = memoryPair();
  return { wire: createSenderWire(near, { is: "sender", speaks: "session", first: SESSION_MAGIC }, true), far };
}

it("512 may have begun a session and not said which; who comes then is hung up on, and told of", async () => {
  const session = createSinkSession({ open: () => Promise.reject(new Error("nobody offers anything")) });
  session.ended.catch(() => {}); // it is given up in the end
  const over = new AbortController();
  const turnedAway: string[] = [];
  let admit: ((wire: SenderWire) => void) | undefined;
  const peers = Array.from({ length: 513 }, createPeer);
  const visits = receiveVisits(peers[0]!.wire, {
    session,
    again: { by: "door", admit: (take) => (admit = take) },
    over: over.signal,
    onTurnedAway: (_, why) => void turnedAway.push(why),
  });
  for (const { wire } of peers.slice(1, 512)) admit!(wire);
  expect(turnedAway).toEqual([]);
  admit!(peers[512]!.wire);
  expect(turnedAway).toEqual(["512 others have begun a session and not said which"]);
  await expect(peers[512]!.far.read(new Uint8Array(1))).rejects.toThrow("went away");
  over.abort();
  for (const { far } of peers) far.destroy();
  await visits.gone();
  await session.giveUp("the test is over");
  expect(visits.anybody).toBe(false);
});
