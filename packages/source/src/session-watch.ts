import type { Clock } from "./clock.ts";
import { Cut } from "./cut.ts";
import type { Pulse } from "./pulse.ts";
import type { Replies } from "./session-replies.ts";

/** A peer that says nothing for so long has gone; it is asked a few times before. */
export const SILENCE_MS = 30_000;
const PING_EVERY_MS = 5000;
/** One that says it is there, and answers nothing else, has a disk that hangs. A flush of much on a slow disk is not that. */
const UNANSWERED_MS = 30 * 60_000;

export interface WatchParts {
  readonly clock: Clock;
  readonly pulse: Pulse;
  readonly replies: Pick<Replies, "unheardMs">;
  /** Ends the watch. */
  readonly ended: AbortSignal;
  readonly ping: (value: number) => void;
  readonly end: (reason: Cut) => void;
}

/** Asks whether the receiver is there, and ends the connection when it is not, or does nothing that it is asked. */
export async function watchReceiver({ clock, pulse, replies, ended, ping, end }: WatchParts): Promise<void> {
  while (!ended.aborted) {
    const value = pulse.ping();
    if (value !== undefined) ping(value);
    await clock.sleep(PING_EVERY_MS, ended);
    if (pulse.silentMs() > SILENCE_MS) end(new Cut(`the receiver has said nothing for ${SILENCE_MS / 1000} s`));
    if (replies.unheardMs <= UNANSWERED_MS) continue;
    end(new Cut(`the receiver answers pings, and for ${UNANSWERED_MS / 60_000} min nothing else that it was asked`));
  }
}
