import type { Connection } from "@blkmig/transport";

import { messageOf } from "../command-error.ts";
import type { Stranger } from "../newcomers.ts";
import { FIRST_BYTES, recognise, tooShort } from "./recognise.ts";

/** What a sender speaks: a bare classic stream, QEMU's envelope around one, or our own session. */
export type Speech = "classic" | "qemu" | "session";

export interface KnownSender {
  readonly is: "sender";
  readonly speaks: Speech;
  /** What it has said so far, to be read again. */
  readonly first: Uint8Array;
}

/** A peer that has said something. */
type Acquaintance = KnownSender | Stranger;

/** Reads a peer's first bytes and says what it is. Never throws: a wire that breaks is a stranger's. */
export async function acquaint(connection: Connection): Promise<Acquaintance> {
  const bytes = new Uint8Array(FIRST_BYTES);
  let filled = 0;
  try {
    for (;;) {
      const count = await connection.read(bytes.subarray(filled));
      if (count === 0) return { is: "stranger", why: tooShort(bytes.subarray(0, filled)) };
      filled += count;
      const first = bytes.subarray(0, filled);
      const recognised = recognise(first);
      if (recognised.is === "foreign") return { is: "stranger", why: recognised.why };
      if (recognised.is !== "undecided") return { is: "sender", speaks: recognised.is, first };
    }
  } catch (error) {
    return { is: "stranger", why: messageOf(error) };
  }
}
