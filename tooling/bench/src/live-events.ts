import type { ProcessOfRun } from "./process-of-run.ts";
import { monotonicMs } from "./writer-words.ts";

/** An event of `blkmig --json`, as far as it is needed here. */
export interface LiveEvent {
  readonly event: string;
  readonly url?: string;
  readonly phase?: string;
  readonly "total-time"?: number;
}

/** What `send --from` says at its end. */
export interface LiveCompleted extends LiveEvent {
  readonly event: "completed";
  readonly transferred: number;
  readonly downtime: number;
  readonly after: string;
}

/** The first event that is so, said already or to come. Throws if the process ends without one. */
export async function untilEvent(from: ProcessOfRun, isIt: (event: LiveEvent) => boolean): Promise<LiveEvent> {
  return eventIn(await from.line((line) => isIt(eventIn(line))));
}

/**
 * When a sender's migration paused the guest, by `monotonicMs()`; to be called as soon as it has started, and asked when it has
 * ended. An event comes late by what the machine lets it wait, so the one that came soonest says when the migration's clock began.
 */
export function watchForPause(sender: ProcessOfRun): () => number {
  let [seen, began, pause] = [0, Infinity, Infinity];
  sender.process.stdout!.on("data", () => {
    const now = monotonicMs();
    const events = sender.lines.slice(seen).map(eventIn);
    seen = sender.lines.length;
    for (const { phase, "total-time": age } of events) {
      if (age === undefined) continue;
      if (phase !== "setup") began = Math.min(began, now - age);
      if (phase === "switchover") pause = Math.min(pause, age);
    }
  });
  return () => {
    if (pause === Infinity) throw new Error("the sender did not say that it paused the guest");
    return began + pause;
  };
}

function eventIn(line: string): LiveEvent {
  return line.startsWith("{") ? (JSON.parse(line) as LiveEvent) : { event: "none" };
}
