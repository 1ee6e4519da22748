import type { ConnectionEnd } from "@blkmig/sink";

import { openOrigin, openTarget } from "./disk-content.ts";
import { createPeerByHand } from "./peer-by-hand.test-kit.ts";
import type { Scenario } from "./scenario.ts";
import { createSinkRecord, startSink } from "./todays-sink.ts";
import { runSource } from "./todays-source.ts";

/** One disk of 64 KiB. */
const SMALL: Scenario = {
  disks: [{ name: "vda", size: 65536, seed: 7, target: "garbage" }],
  session: { granularity: 4096, frameBytes: 16384, verify: false, resume: false },
  guest: [],
  cuts: [],
  overruns: 0,
  cancelled: false,
};

/** Today's sink, for peers by hand. */
export async function smallSink() {
  const targets = await Promise.all(SMALL.disks.map(openTarget));
  const record = createSinkRecord();
  const session = startSink(SMALL, targets, record, null);
  return {
    target: targets[0]!,
    session,
    call() {
      const peer = createPeerByHand();
      const take = async (): Promise<ConnectionEnd> => {
        const end = await session.take(peer.wire);
        await peer.wire.finish().catch(() => {}); // the peer may have gone
        return end;
      };
      return { ...peer, end: take() };
    },
  };
}

/** Today's source, for one peer by hand: it finds no other. Gives what it ended by. */
export async function smallSource() {
  const origins = await Promise.all(SMALL.disks.map(openOrigin));
  const peer = createPeerByHand();
  const wires = [peer.wire];
  const end = runSource(SMALL, "m-1", origins, async () => {
    const wire = wires.pop();
    if (!wire) throw new Error("nobody listens");
    return wire;
  });
  const failure = end.then(
    () => new Error("it completed"),
    (error: unknown) => error as Error,
  );
  return { ...peer, failure };
}
