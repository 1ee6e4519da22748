import type { Guest } from "@blkmig/device";

import { type Answer, earlyAnswer } from "./answer.ts";
import { messageOf, Stop } from "./stop.ts";

/**
 * Who has the disk: whether the guest is paused, whether commit was asked for, and what may still end the migration from
 * outside. Law 5 lives here: until commit is asked for, failure gives the disk back; after that only the answer decides.
 */
export interface Custody {
  /** Aborts, with the `Stop`, when it must end for a reason from outside. Never once commit was asked for. */
  readonly ending: AbortSignal;
  /** From the moment in which the sink may have read the last frames. */
  readonly asked: boolean;
  /** Holds the guest. A guest that cannot come to rest keeps nobody waiting who ends the migration. */
  pause(): Promise<void>;
  /** The last frames are next: from here on no signal, and no early answer, may end it. */
  ask(): void;
  /** What the sink has said. Before it was asked any answer ends the migration; a no need not wait for frames that nobody takes. */
  hear(answer: Answer): void;
  /** Gives the disk back to the guest, unless `inDoubt`; says how the guest is left. */
  giveBack(inDoubt: boolean): Promise<"running" | "paused" | "lost">;
  /** The caller's signal matters no longer. */
  close(): void;
}

export interface CustodyParts {
  readonly guest: Guest | undefined;
  /** The caller's: cancels, until commit is asked for. */
  readonly signal: AbortSignal | undefined;
  readonly wire: { destroy(reason?: Error): void };
  /** Wakes whoever waits for a flight. */
  readonly onEnding: (reason: Stop) => void;
  readonly warn: (message: string) => void;
}

export function createCustody({ guest, signal, wire, onEnding, warn }: CustodyParts): Custody {
  const controller = new AbortController();
  let paused = false;
  let asked = false;

  /** Whoever waits for a flight, the clock, the guest, or a peer that takes nothing, wakes up. */
  const end = (reason: Stop): void => {
    if (!asked) {
      onEnding(reason);
      controller.abort(reason);
    }
    wire.destroy(reason);
  };
  const onAbort = (): void => end(new Stop("cancelled", "cancelled"));
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);

  return {
    ending: controller.signal,
    get asked() {
      return asked;
    },
    async pause() {
      if (!guest) return;
      paused = true; // or about to be: a resume that comes too early ends the pause
      try {
        const ended = rejectedBy(controller.signal);
        await Promise.race([ended, guest.pause()]);
      } catch (cause) {
        if (cause instanceof Stop) throw cause;
        paused = false;
        throw new Stop("guest", `the guest would not pause: ${messageOf(cause)}`, { cause });
      }
    },
    ask() {
      controller.signal.throwIfAborted();
      asked = true;
    },
    hear(answer) {
      if (!asked) end(earlyAnswer(answer));
      else if (answer.said !== "yes") wire.destroy();
    },
    async giveBack(inDoubt) {
      if (inDoubt) return "paused";
      if (!paused) return "running";
      try {
        await guest?.resume();
        return "running";
      } catch (cause) {
        warn(`the guest would not resume: ${messageOf(cause)}`);
        return "lost";
      }
    },
    close: () => signal?.removeEventListener("abort", onAbort),
  };
}

/** Rejects with the signal's reason when it aborts, or at once. */
function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onEnd = (): void => reject(signal.reason as Error);
    if (signal.aborted) onEnd();
    else signal.addEventListener("abort", onEnd, { once: true });
  });
}
