import { createSinkSession, type SessionOffer, type SessionTargets } from "@blkmig/sink";

import { CommandError } from "../command-error.ts";
import { createNoDevice } from "../disks/no-device.ts";
import { LIMITS } from "./load-any.ts";
import type { SenderWire } from "./sender-wire.ts";
import { type Committed, PART_WITHIN_MS } from "./taking.ts";

/** Peers that have begun a session and have not been told yet: each costs some 40 KB for at most 10 s. */
const MOST_AT_ONCE = 64;

/**
 * Answers senders that come when the disks are served already. One that has not heard of its commit is told, however late it asks:
 * it would stay in doubt, and its clients would wait. Anybody else is sent away with a sentence.
 */
export function answerLate(
  committed: Committed,
  onDrop: (peer: string, why: string) => void,
): (wire: SenderWire) => void {
  let atOnce = 0;

  const answer = async (wire: SenderWire): Promise<void> => {
    const session = createSinkSession({ open: async (offer) => decided(offer, committed), limits: LIMITS });
    const end = await session.take(wire);
    if (end.how === "turned-away") onDrop(wire.peer, end.why);
    if (end.how !== "cut") return wire.part(PART_WITHIN_MS); // or the last word would be lost
    wire.destroy();
    await session.giveUp(end.why);
  };

  return (wire) => {
    if (atOnce === MOST_AT_ONCE) {
      wire.destroy();
      return onDrop(wire.peer, `${MOST_AT_ONCE} others have begun a session and not been told yet`);
    }
    atOnce++;
    void answer(wire).finally(() => atOnce--);
  };
}

/** What is on record, and no disk: those are their clients' now. */
function decided(offer: SessionOffer, { migration, attempt }: Committed): SessionTargets {
  if (offer.migration !== migration) {
    throw new CommandError("refused", "the disks here are served already: this receiver takes no other migration");
  }
  const final = new CommandError("refused", `migration ${migration} is committed: nothing of it can change any more`);
  const refuse = async (): Promise<never> => {
    throw final;
  };
  return {
    devices: offer.disks.map((disk) => createNoDevice({ ...disk, readOnly: false }, final)),
    journal: { begin: refuse, held: refuse, decide: refuse, async done() {} },
    found: { state: "committed", attempt, held: offer.disks.map(() => []) },
    async close() {},
  };
}
