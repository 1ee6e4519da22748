import type { NbdUrl } from "./nbd-contract.ts";

/** Understands an NBD URI. Throws a `TypeError` that says what is wrong and gives an example. */
export function parseNbdUrl(_text: string): NbdUrl {
  throw new Error("not landed");
}

/** The URI of it, without key files. */
export function formatNbdUrl(_url: NbdUrl): string {
  throw new Error("not landed");
}

/** Whether a text means to be one: it begins with `nbd:`, `nbds:`, `nbd+unix:` or `nbds+unix:`. */
export function isNbdUrl(text: string): boolean {
  return /^nbds?(\+unix)?:/u.test(text);
}
