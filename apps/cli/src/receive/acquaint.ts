import type { Connection } from "@blkmig/transport";

import { messageOf } from "../command-error.ts";
import { FIRST_BYTES, recognise, tooShort } from "./recognise.ts";

/** A peer that has said something. */
export type Acquaintance =
  | { readonly is: "sender"; /** What it has said so far, to be read again. */ readonly first: Uint8Array }
  | { readonly is: "stranger"; readonly why: string };

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
      if (recognised.is === "classic") return { is: "sender", first };
      if (recognised.is === "foreign") return { is: "stranger", why: recognised.why };
    }
  } catch (error) {
    return { is: "stranger", why: messageOf(error) };
  }
}
