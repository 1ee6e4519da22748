import type { SinkSession } from "@blkmig/sink";

import type { SenderWire } from "./sender-wire.ts";
import { type ComesAgain, PART_WITHIN_MS } from "./taking.ts";

const FIRST_WAIT_MS = 100;
const MOST_WAIT_MS = 5000;
/** Peers that have begun a session and have not been let in or sent away yet: each costs some 40 KB for at most 10 s. */
const MOST_VISITS = 512;

export interface SessionVisitsOptions {
  readonly session: SinkSession;
  readonly again: ComesAgain;
  /** Aborts when the session is over. */
  readonly over: AbortSignal;
  /** Told of every peer that was none of this session's. */
  readonly onTurnedAway: (peer: string, why: string) => void;
}

/** The connections of one session. */
export interface SessionVisits {
  /** Whether anybody is connected. */
  readonly anybody: boolean;
  /** Settles when whoever came has gone, and nobody has offered anything. Never settles once somebody has. */
  readonly nobody: Promise<void>;
  /** Settles when all have gone: after the session is over. */
  gone(): Promise<void>;
}

/** Lets the first peer speak, and whoever comes again. */
export function receiveVisits(first: SenderWire, options: SessionVisitsOptions): SessionVisits {
  const { session, again, over, onTurnedAway } = options;
  const visits = new Set<Promise<unknown>>();
  let onNobody: (() => void) | undefined;
  const nobody = new Promise<void>((resolve) => {
    onNobody = resolve;
  });

  const speak = async (wire: SenderWire): Promise<"welcomed" | "turned away"> => {
    const end = await session.take(wire);
    if (end.how === "turned-away" && !over.aborted) onTurnedAway(wire.peer, end.why);
    if (end.how === "cut") wire.destroy();
    else await wire.part(PART_WITHIN_MS); // or the last word would be lost
    return end.how === "turned-away" ? "turned away" : "welcomed";
  };

  const visit = async (wire: SenderWire): Promise<"welcomed" | "turned away"> => {
    const visiting = speak(wire);
    visits.add(visiting);
    try {
      return await visiting;
    } finally {
      visits.delete(visiting);
      if (visits.size === 0 && session.migration === undefined && !over.aborted) onNobody?.();
    }
  };

  const dialAgain = async (dial: (signal: AbortSignal) => Promise<SenderWire>): Promise<void> => {
    for (let wait = FIRST_WAIT_MS; !over.aborted;) {
      await sleep(wait, over);
      if (over.aborted) return;
      const met = await dial(over).then(visit, () => "turned away");
      wait = met === "welcomed" ? FIRST_WAIT_MS : Math.min(MOST_WAIT_MS, wait * 2);
    }
  };

  const admit = (wire: SenderWire): void => {
    if (visits.size < MOST_VISITS) return void visit(wire);
    wire.destroy();
    onTurnedAway(wire.peer, `${MOST_VISITS} others have begun a session and not said which`);
  };

  const run = async (): Promise<void> => {
    if (again.by === "door") again.admit(admit);
    const met = await visit(first);
    if (again.by === "dialling" && met === "welcomed") await dialAgain(again.dial);
  };
  const running = run();

  return {
    get anybody() {
      return visits.size > 0;
    },
    nobody,
    async gone() {
      await running;
      await Promise.all(visits);
    },
  };
}

/** Settles early when the signal aborts. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(wake, ms);
    function wake(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    }
    signal.addEventListener("abort", wake);
    if (signal.aborted) wake();
  });
}
