import type { Fields } from "../output/json-lines.ts";

/** What a disk is, for both kinds of reader. */
export interface StatusAnswer {
  /** Of the event, besides `path` and `size`. What is undefined is left out. */
  readonly fields: Fields & { readonly state: string };
  /** A sentence a line, for people; the first follows the path. */
  readonly lines: readonly string[];
}
