import { createReturnPathDecoder } from "@blkmig/protocol";

import type { Clock } from "./clock.ts";
import { messageOf, Stop } from "./stop.ts";

/** How long a broken wire may take to hand over the answer that explains it. */
const LAST_WORD_MS = 1000;

/** What the sink said on the return path, in the end. */
export type Answer =
  | { readonly said: "yes" } // SHUT 0: everything is there, durably
  | { readonly said: "no"; readonly value: number } // SHUT with another value
  | { readonly said: "nothing"; readonly why: string; readonly cause?: unknown }; // no answer will come

/** Reads the return path to its first SHUT or its end, and tells each PONG. Never throws. */
export async function readAnswer(
  read: (into: Uint8Array) => Promise<number>,
  onPong: (value: number) => void,
): Promise<Answer> {
  const decoder = createReturnPathDecoder();
  try {
    for (;;) {
      const bytes = await read(decoder.want());
      if (bytes === 0) return { said: "nothing", why: "the receiver closed its side without an answer" };
      decoder.accept(bytes);
      for (let message = decoder.next(); message; message = decoder.next()) {
        if (message.type === "pong") onPong(message.value);
        else return message.value === 0 ? { said: "yes" } : { said: "no", value: message.value };
      }
    }
  } catch (cause) {
    return { said: "nothing", why: messageOf(cause), cause };
  }
}

/**
 * After the last frames: whether the sink has proved that it has everything. `broken` is what broke since, and decides
 * nothing: only the answer does. Throws `Stop` `refused`, or `in-doubt` where it cannot be known. Without an answer to wait
 * for it is false: nobody has proved it.
 */
export async function verdict(
  answer: Promise<Answer> | undefined,
  broken: unknown,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (!answer && broken === undefined) return false;
  const said = await Promise.race([answer ?? NO_ANSWER, interrupted(signal)]);
  if (said.said === "yes") return true;
  if (said.said === "no") throw new Stop("refused", "the receiver has read it all and said no: its log says why");
  const why = broken === undefined ? said.why : messageOf(broken);
  throw new Stop("in-doubt", why, { cause: broken ?? said.cause });
}

const NO_ANSWER: Answer = { said: "nothing", why: "the wire cannot answer" };

/** A receiver that refuses says so and closes: what is seen first may be the closed wire. */
export async function explained(stop: Stop, answer: Promise<Answer>, clock: Clock): Promise<Stop> {
  const said = await Promise.race([answer, clock.sleep(LAST_WORD_MS).then(() => undefined)]);
  return said?.said === "no" ? earlyAnswer(said) : stop;
}

/** What an answer means that came before it was asked for. */
export function earlyAnswer(answer: Answer): Stop {
  if (answer.said === "no") return new Stop("refused", "the receiver refused: its log says why");
  if (answer.said === "yes") return new Stop("wire", "the receiver said it had everything before it was sent");
  return new Stop("wire", answer.why, { cause: answer.cause });
}

/** The answer that an interrupted wait has. Settles when the signal aborts. */
function interrupted(signal: AbortSignal | undefined): Promise<Answer> {
  return new Promise((resolve) => {
    const answer = { said: "nothing", why: "interrupted before the receiver's answer came" } as const;
    if (signal?.aborted) resolve(answer);
    signal?.addEventListener("abort", () => resolve(answer), { once: true });
  });
}
