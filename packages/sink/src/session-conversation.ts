import { encodeSessionPong, type SessionFrame, type SessionMessage } from "@blkmig/protocol";

import { cut } from "./connection-stop.ts";
import { createDecisions } from "./session-decisions.ts";
import { createLanding } from "./session-landing.ts";
import type { LandingParts } from "./session-landing.ts";
import { nextStep, type SinkRequest, type SinkStep } from "./session-state.ts";

type Heard = Exclude<SessionFrame, { type: "message" }>;

export interface ConversationParts extends LandingParts {
  /** Where the disks will be served. */
  readonly ready: () => Promise<{ readonly serve?: string }>;
  /** Frames that are on stable storage, said with the next acknowledgement. */
  readonly durable: (frames: number) => void;
  readonly now: () => number;
  /** Whether this connection agreed that what it seals is handed over. */
  readonly handsOver: boolean;
  readonly onDecided: (decided: "sealed" | "committed" | "aborted", attempt: number) => void;
}

/**
 * Everything between WELCOME and the end of one connection. Settles when nothing is being written or recorded for it any
 * more; throws what ended it: `ConnectionStop`, `Refusal` (the migration ends), or what the wire threw.
 */
export async function converse(parts: ConversationParts): Promise<never> {
  const { migration, peer, handsOver } = parts;
  const { stop, outbox } = peer;
  const landing = createLanding(parts);
  const decisions = createDecisions({ ...parts, landing });
  /** What is under way beside the frames. While it decides, nothing but PING is heard. */
  let busy: { readonly decides: boolean; readonly done: Promise<void> } | undefined;
  /** How what was under way ended that did not end well, or ended all: it counts before the wire that broke meanwhile. */
  let end: Error | undefined;

  const begin = (decides: boolean, act: () => Promise<void>): void => {
    const done = act()
      .catch((error: unknown) => {
        end ??= error instanceof Error ? error : new Error(String(error));
        stop.stop(end);
      })
      .finally(() => {
        busy = undefined;
      });
    busy = { decides, done };
  };

  const allow = (request: SinkRequest): SinkStep => {
    const step = nextStep(migration.state, request, { remembers: migration.remembers, handsOver });
    if (step.do === "violation") throw cut(step.why);
    return step;
  };

  const hear = (message: SessionMessage): void => {
    switch (message.say) {
      case "flush":
        allow({ asks: "flush" });
        return begin(false, async () => decisions.flush(message.serial));
      case "prepare":
        allow({ asks: "prepare", attempt: message.attempt });
        return begin(false, async () => decisions.prepare(message.attempt));
      case "cancel":
      case "seal":
      case "commit":
      case "abort":
      case "outcome":
      case "done": {
        const attempt = "attempt" in message ? message.attempt : 0;
        const step = allow({ asks: message.say, attempt });
        return begin(true, async () => decisions.act(step, message));
      }
      case "hello":
      case "hello-other":
      case "welcome":
      case "refused":
      case "flushed":
      case "ready":
      case "sealed":
      case "aborted":
      case "committed":
      case "state":
      case "failed":
        throw cut(`the source says '${message.say}', which is not its to say here`);
    }
  };

  const take = (frame: Heard): Promise<void> | undefined => {
    switch (frame.type) {
      case "payload":
        allow({ asks: "land" });
        return landing.prepare(frame);
      case "data":
        return landing.data(frame);
      case "hole":
        allow({ asks: "land" });
        return landing.hole(frame);
      case "hash":
        allow({ asks: "hash" });
        return landing.hash(frame);
      case "ping":
        outbox.say(encodeSessionPong(frame.value)).catch(() => {}); // a wire that breaks stops the connection itself
        return outbox.room();
      case "pong":
        return undefined;
      case "answer":
      case "ack":
        throw cut(`the source sent a frame '${frame.type}', which is the sink's`);
    }
  };

  const isHeardMeanwhile = (frame: SessionFrame): boolean => {
    if (!busy || frame.type === "ping" || frame.type === "pong") return true;
    return !busy.decides && frame.type !== "message";
  };

  const listen = async (): Promise<never> => {
    for (;;) {
      const frame = await peer.next();
      if (!frame) throw cut("the source closed the connection");
      if (busy && !isHeardMeanwhile(frame)) await stop.unlessStopped(busy.done);
      if (frame.type === "message") {
        hear(frame.message);
        continue;
      }
      const wait = take(frame);
      if (wait) await stop.unlessStopped(wait);
    }
  };

  try {
    return await listen();
  } catch (error) {
    stop.stop(error instanceof Error ? error : cut(String(error)));
    await busy?.done;
    await landing.allSettled();
    if (end) throw end; // a source that is done, or gives up, does not wait to be answered
    stop.check(); // what stopped it first is why it ended
    throw error;
  }
}
