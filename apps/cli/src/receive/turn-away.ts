import { encodeShut } from "@blkmig/protocol";
import { createSinkSession } from "@blkmig/sink";

import type { SenderWire } from "./sender-wire.ts";
import { PART_WITHIN_MS } from "./taking.ts";

/** Tells a sender, in its own words, that nothing will come of it, and why where those words can say it. */
export async function turnAway(wire: SenderWire, why: unknown, onAnswered: () => void): Promise<void> {
  if (wire.speaks === "session") await refuseSession(wire, why);
  else await wire.send?.(encodeShut(1)).catch(() => {}); // it has gone already
  onAnswered();
  await wire.part(PART_WITHIN_MS);
}

async function refuseSession(wire: SenderWire, why: unknown): Promise<void> {
  const session = createSinkSession({
    async open() {
      throw why;
    },
  });
  await session.take(wire);
}
