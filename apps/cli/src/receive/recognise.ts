import { createClassicDecoder, ProtocolError, SESSION_MAGIC } from "@blkmig/protocol";

import { printable } from "../output/printable.ts";

/** The bytes by which a stream is known. */
export const FIRST_BYTES = 8;

/** What somebody's first bytes are. */
export type Recognised =
  | { readonly is: "classic" } // a word of a bare classic stream, whole
  | { readonly is: "qemu" } // the magic of QEMU's envelope
  | { readonly is: "session" } // the magic of our own session
  | { readonly is: "undecided" } // too few bytes to tell
  | { readonly is: "foreign"; readonly why: string };

const QEVM = [0x51, 0x45, 0x56, 0x4d] as const;

/** Tells by its first bytes whether a peer is a sender. Pure. */
export function recognise(bytes: Uint8Array): Recognised {
  if (QEVM.every((byte, at) => bytes[at] === byte)) return { is: "qemu" };
  if (bytes.length < FIRST_BYTES) return { is: "undecided" };
  if (SESSION_MAGIC.every((byte, at) => bytes[at] === byte)) return { is: "session" };
  try {
    const decoder = createClassicDecoder();
    decoder.want().set(bytes.subarray(0, FIRST_BYTES));
    decoder.accept(FIRST_BYTES);
    decoder.next();
    return { is: "classic" };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return {
      is: "foreign",
      why: `this is no session of blkmig, and neither a classic block stream nor QEMU's: it begins with ${shownBytes(bytes)}`,
    };
  }
}

/** The sentence for a stream that ended before it could be recognised. */
export function tooShort(bytes: Uint8Array): string {
  if (bytes.length === 0) return "the stream is empty";
  return `the stream ends after ${bytes.length} of the 8 bytes of its first word`;
}

/** Text as text, the rest in hex. */
export function shownBytes(bytes: Uint8Array): string {
  const first = bytes.subarray(0, FIRST_BYTES);
  if (first.every((byte) => byte >= 0x09 && byte < 0x7f)) return `'${printable(new TextDecoder().decode(first))}'`;
  return [...first].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
