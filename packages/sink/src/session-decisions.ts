import type { SessionMessage } from "@blkmig/protocol";

import { ConnectionStop, cut } from "./connection-stop.ts";
import type { LandedPrefix } from "./landed-prefix.ts";
import { Refusal } from "./refusal.ts";
import type { Landing } from "./session-landing.ts";
import type { Migration } from "./session-migration.ts";
import type { Peer } from "./session-peer.ts";
import type { SinkStep } from "./session-state.ts";

/** Does what the table says of a source's messages; each settles when it was said. */
export interface Decisions {
  flush(serial: number): Promise<void>;
  prepare(attempt: number): Promise<void>;
  act(step: SinkStep, asked: SessionMessage): Promise<void>;
}

export interface DecisionParts {
  readonly migration: Migration;
  readonly peer: Peer;
  readonly landed: LandedPrefix;
  readonly landing: Landing;
  readonly ready: () => Promise<{ readonly serve?: string }>;
  readonly durable: (frames: number) => void;
  readonly now: () => number;
  readonly onDecided: (decided: "sealed" | "committed" | "aborted", attempt: number) => void;
}

export function createDecisions(parts: DecisionParts): Decisions {
  const { migration, peer, landed, landing, durable, now, onDecided } = parts;
  const where = (): { readonly serve?: string } => (migration.serve === undefined ? {} : { serve: migration.serve });

  /** Everything that came before it is durable when it settles; gives the milliseconds of the flush alone. */
  const flushAll = async (): Promise<number> => {
    await peer.stop.unlessStopped(landed.reached(landed.received));
    const { written } = landed;
    const since = now();
    await migration.makeDurable();
    durable(written);
    return now() - since;
  };

  const seal = async (step: Extract<SinkStep, { do: "seal" }>, asked: SessionMessage): Promise<void> => {
    if (asked.say !== "seal") return;
    if (asked.frames !== landed.received) {
      throw new Refusal(
        "incomplete",
        `the source says that it sent ${asked.frames} frames, and ${landed.received} came`,
      );
    }
    await landing.allSettled();
    peer.stop.check();
    migration.prove(asked.verified);
    await migration.seal(step.next);
    durable(landed.written);
    onDecided("sealed", step.next.attempt);
    await peer.say({ say: "sealed", attempt: step.next.attempt });
  };

  const abort = async (step: Extract<SinkStep, { do: "abort" }>, asked: SessionMessage): Promise<void> => {
    await migration.abort(step.next);
    onDecided("aborted", step.next.attempt);
    if (asked.say === "cancel") throw cancelledBySource(asked);
    const said = { say: "aborted", attempt: step.next.attempt } as const;
    if (!step.alsoOver) return peer.say(said);
    await peer.lastWord(said); // heard or not: it is on record, and there is nothing left to go on with
    throw new Refusal("incomplete", `the source aborted attempt ${said.attempt}, and its targets had been handed over`);
  };

  const act = async (step: SinkStep, asked: SessionMessage): Promise<void> => {
    switch (step.do) {
      case "seal":
        return seal(step, asked);
      case "commit":
        await migration.commit(step.next);
        onDecided("committed", step.next.attempt);
        return peer.say({ say: "committed", attempt: step.next.attempt, ...where() });
      case "abort":
        return abort(step, asked);
      case "say":
        return peer.say({ say: step.say, attempt: step.attempt, ...(step.say === "committed" ? where() : {}) });
      case "tell":
        return peer.say({ say: "state", attempt: "attempt" in asked ? asked.attempt : 0, state: step.state });
      case "refuse":
        await peer.lastWord({ say: "refused", code: step.code, message: step.why });
        throw cut(step.why);
      case "give-up":
        throw cancelledBySource(asked);
      case "finish":
        await migration.done();
        throw new ConnectionStop({ how: "over" });
      case "serve":
      case "violation":
    }
  };

  return {
    async flush(serial) {
      const ms = await flushAll();
      await peer.say({ say: "flushed", serial, ms });
    },
    async prepare(attempt) {
      await flushAll();
      migration.serve = await whereReady(parts.ready);
      await peer.say({ say: "ready", attempt, ...where() });
    },
    act,
  };
}

async function whereReady(ready: DecisionParts["ready"]): Promise<string | undefined> {
  try {
    return (await ready()).serve;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Refusal("refused", `not ready for the switchover: ${message}`, { cause });
  }
}

function cancelledBySource(asked: SessionMessage): Refusal {
  const why = asked.say === "cancel" && asked.message !== "" ? `: ${asked.message}` : "";
  return new Refusal("cancelled-by-source", `the source gave up${why}`);
}
