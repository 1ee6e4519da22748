import { createReturnPathDecoder } from "@blkmig/protocol";

import { messageOf, Stop } from "./stop.ts";

/** What the sink said on the return path, in the end. */
export type Answer =
  | { readonly said: "yes" } // SHUT 0: everything is there, durably
  | { readonly said: "no"; readonly value: number } // SHUT with another value
  | { readonly said: "nothing"; readonly why: string; readonly cause?: unknown }; // no answer will come

/** Reads the return path to its first SHUT or its end. Never throws. */
export async function readAnswer(read: (into: Uint8Array) => Promise<number>): Promise<Answer> {
  const decoder = createReturnPathDecoder();
  try {
    for (;;) {
      const bytes = await read(decoder.want());
      if (bytes === 0) return { said: "nothing", why: "the receiver closed its side without an answer" };
      decoder.accept(bytes);
      for (let message = decoder.next(); message; message = decoder.next()) {
        if (message.type !== "shut") continue;
        return message.value === 0 ? { said: "yes" } : { said: "no", value: message.value };
      }
    }
  } catch (cause) {
    return { said: "nothing", why: messageOf(cause), cause };
  }
}

/** What an answer means that came before it was asked for. */
export function earlyAnswer(answer: Answer): Stop {
  if (answer.said === "no") return new Stop("refused", "the receiver refused: its log says why");
  if (answer.said === "yes") return new Stop("wire", "the receiver said it had everything before it was sent");
  return new Stop("wire", answer.why, { cause: answer.cause });
}

/** The answer that an interrupted wait has. Settles when the signal aborts. */
export function interrupted(signal: AbortSignal | undefined): Promise<Answer> {
  return new Promise((resolve) => {
    const answer = { said: "nothing", why: "interrupted before the receiver's answer came" } as const;
    if (signal?.aborted) resolve(answer);
    signal?.addEventListener("abort", () => resolve(answer), { once: true });
  });
}
