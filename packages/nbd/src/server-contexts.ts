import { BASE_ALLOCATION, LINK_CONTEXT } from "./nbd-numbers.ts";
import type { ServedExport } from "./server-export.ts";

/** The ids of our contexts; one that is only listed has the id 0. */
export const CONTEXT_ID = { ALLOCATION: 1, LINK: 2 } as const;

/** What a client wants to hear of with BLOCK_STATUS, and which only link it wants to be. */
export interface ChosenContexts {
  readonly allocation: boolean;
  /** The key of the link; undefined: none was asked for, or the export has none. */
  readonly link: string | undefined;
}

/** The contexts that exact names choose. Of several keys the last one counts. */
export function chooseContexts({ linkContext }: ServedExport, queries: readonly string[]): ChosenContexts {
  const key = queries.findLast((query) => query.startsWith(LINK_CONTEXT) && query.length > LINK_CONTEXT.length);
  const link = linkContext === undefined ? undefined : key?.slice(LINK_CONTEXT.length);
  return { allocation: queries.includes(BASE_ALLOCATION), link };
}

/** The names of the contexts that the queries find; a namespace finds all in it, and no query at all finds everything. */
export function listContexts({ linkContext }: ServedExport, queries: readonly string[]): readonly string[] {
  const names = linkContext === undefined ? [BASE_ALLOCATION] : [BASE_ALLOCATION, linkContext];
  if (queries.length === 0) return names;
  return names.filter((name) => queries.some((query) => query === name || query === namespaceOf(name)));
}

/** `base:` of `base:allocation`. */
function namespaceOf(name: string): string {
  return name.slice(0, name.indexOf(":") + 1);
}
