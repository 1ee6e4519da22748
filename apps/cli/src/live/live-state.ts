import type { LiveState } from "./live-contract.ts";

/** Who owns a disk that is served, and so who may answer its clients. Each names what has to happen before anybody else may. */
export type DiskState =
  | { readonly is: "waiting" } // for the commit that makes it ours
  | { readonly is: "local" } // ours
  | { readonly is: "paused" } // ours; its clients wait, and nobody was asked for a commit
  | { readonly is: "asked" } // nobody knows: commit is asked for
  | { readonly is: "in-doubt" } // nobody knows, and nobody asks any more
  | { readonly is: "committed" } // theirs, and not recorded here
  | { readonly is: "moved" } // theirs, recorded; its clients wait
  | { readonly is: "forwarding"; readonly to: string } // theirs, who answer
  | { readonly is: "closed" } // theirs, and no clients are left
  | { readonly is: "failed"; readonly why: string }; // theirs, and what was answered may be gone

/** What happens to it. */
export type DiskEvent =
  | { readonly do: "open" | "pause" | "release" | "ask" | "keep" | "doubt" | "commit" | "move" | "clone" | "close" }
  | { readonly do: "forward"; readonly to: string }
  | { readonly do: "lose"; readonly why: string };

type Name = DiskState["is"];

/** From where, to where. What stands nowhere here must not happen: above all, no `release` once commit is asked for. */
const NEXT: Readonly<Record<DiskEvent["do"], Partial<Record<Name, Name>>>> = {
  open: { waiting: "local" },
  pause: { local: "paused", paused: "paused", "in-doubt": "asked", asked: "asked" },
  release: { paused: "local", local: "local" },
  ask: { paused: "asked" },
  // KEPT is also what a record says of a migration that came to nothing before anybody was asked.
  keep: { asked: "paused", "in-doubt": "paused", paused: "paused", local: "local" },
  doubt: { asked: "in-doubt", "in-doubt": "in-doubt" },
  commit: { asked: "committed", "in-doubt": "committed", committed: "committed" },
  move: { committed: "moved" },
  clone: { committed: "paused" },
  forward: { moved: "forwarding" },
  close: { moved: "closed" },
  lose: { forwarding: "failed" },
};

/** What it is then. Throws for what must not happen to it: that is a bug, and stops here. */
export function nextState(state: DiskState, event: DiskEvent): DiskState {
  const is = NEXT[event.do][state.is];
  if (is === undefined) throw new Error(`a disk that is ${state.is} cannot ${event.do}`);
  if (is === "forwarding") return { is, to: event.do === "forward" ? event.to : "" };
  if (is === "failed") return { is, why: event.do === "lose" ? event.why : "" };
  return { is };
}

/** The word for people and scripts. */
export function shownAs({ is }: DiskState): LiveState {
  return is === "paused" || is === "asked" || is === "committed" || is === "moved" ? "held" : is;
}

const UNBOUND: ReadonlySet<Name> = new Set(["waiting", "local", "paused", "in-doubt"] satisfies Name[]);

/** Whether commit is asked for, or decided: then nothing here may call it off. In doubt nobody asks. */
export function isBound({ is }: DiskState): boolean {
  return !UNBOUND.has(is);
}

/** Whether nobody answers its clients, who wait. */
export function isHeld(state: DiskState): boolean {
  return state.is === "waiting" || state.is === "in-doubt" || shownAs(state) === "held";
}
