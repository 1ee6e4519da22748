import type { Guest } from "@blkmig/device";

import { messageOf, Stop } from "./stop.ts";
import { unlessAborted } from "./unless-aborted.ts";

/**
 * Who has the disk: whether the guest is paused, whether commit was asked for, and what may still end the migration from
 * outside. Law 5 lives here: until commit is asked for, failure gives the disk back; after that only the answer decides.
 */
export interface Custody {
  /** From now on the caller's signal counts, until `close()`. */
  watch(): void;
  /** Aborts, with the `Stop`, when it must end for a reason from outside. Never once commit was asked for. */
  readonly ending: AbortSignal;
  /** From the moment in which the sink may have read the last frames. */
  readonly asked: boolean;
  /**
   * Holds the guest. "not-yet": it runs, and may be asked again. A guest that cannot come to rest keeps nobody waiting who
   * ends the migration.
   */
  pause(): Promise<"held" | "not-yet">;
  /** The last frames are next: from here on no signal, and no early answer, may end it. */
  ask(): void;
  /** The sink has not committed, and will not: failure gives the disk back again. */
  kept(): void;
  /** It must end, for a reason from outside. Once commit was asked for, only waiting ends. */
  end(reason: Stop): void;
  /** Gives the disk back to the guest, unless `inDoubt`; says how the guest is left. */
  giveBack(inDoubt: boolean): Promise<"running" | "paused" | "lost">;
  /** The caller's signal matters no longer. */
  close(): void;
}

export interface CustodyParts {
  readonly guest: Guest | undefined;
  /** The caller's: cancels, until commit is asked for. */
  readonly signal: AbortSignal | undefined;
  /** Wakes whoever waits for a flight. */
  readonly onEnding: (reason: Stop) => void;
  /** Wakes whoever waits for the peer. */
  readonly interrupt: (reason: Stop) => void;
  readonly warn: (message: string) => void;
}

export function createCustody({ guest, signal, onEnding, interrupt, warn }: CustodyParts): Custody {
  const controller = new AbortController();
  let paused = false;
  let asked = false;

  /** Whoever waits for a flight, the clock, the guest, or a peer that takes nothing, wakes up. */
  const end = (reason: Stop): void => {
    if (!asked) {
      onEnding(reason);
      controller.abort(reason);
    }
    interrupt(reason);
  };
  const onAbort = (): void => end(new Stop("cancelled", "cancelled"));

  return {
    watch() {
      if (signal?.aborted) onAbort();
      signal?.addEventListener("abort", onAbort);
    },
    ending: controller.signal,
    get asked() {
      return asked;
    },
    async pause() {
      if (!guest) return "held"; // nobody writes
      paused = true; // or about to be: a resume that comes too early ends the pause
      try {
        const said = await unlessAborted(guest.pause(), controller.signal);
        paused = said !== "not-yet";
        return paused ? "held" : "not-yet";
      } catch (cause) {
        // Whoever could not pause it may have stopped it: that it runs is known when it was told to.
        if (cause instanceof Stop) throw cause;
        throw new Stop("guest", `the guest would not pause: ${messageOf(cause)}`, { cause });
      }
    },
    ask() {
      controller.signal.throwIfAborted();
      asked = true;
    },
    kept() {
      asked = false;
    },
    end,
    async giveBack(inDoubt) {
      if (inDoubt && (paused || !guest)) return "paused";
      if (!paused) return "running";
      try {
        await guest?.resume();
        paused = false;
        return "running";
      } catch (cause) {
        warn(`the guest would not resume: ${messageOf(cause)}`);
        return "lost";
      }
    },
    close: () => signal?.removeEventListener("abort", onAbort),
  };
}
