import type { CommitState } from "@blkmig/protocol";

/** Where a migration stands at its sink. `attempt` is the last one that anything was recorded of, 0 before the first. */
export type SinkState =
  /** Nothing is sealed: the source owns the disks, and what it sends is landed. */
  | { readonly is: "open"; readonly attempt: number }
  /** Everything is here and durable, nothing more is taken, and the source decides. */
  | { readonly is: "sealed"; readonly attempt: number; readonly targets: SealedTargets }
  /** The targets own the disks; only the source's DONE is awaited. */
  | { readonly is: "committed"; readonly attempt: number };

/**
 * Who has had targets since they were sealed: this run alone; whoever this run has handed them over to, as its source wished; or
 * anybody, for the run that sealed them has ended.
 */
type SealedTargets = "ours" | "handed-over" | "anybody's";

/** What a source asks for. */
export type SinkRequest =
  | { readonly asks: "land" | "hash" | "flush" | "cancel" }
  | { readonly asks: "prepare" | "seal" | "commit" | "abort" | "done"; readonly attempt: number }
  | { readonly asks: "outcome"; readonly attempt: number };

export type SealedState = Extract<SinkState, { readonly is: "sealed" }>;
type Order = Exclude<SinkRequest, { readonly asks: "outcome" }>;

/** What the sink then does. */
export type SinkStep =
  /** As it was asked: nothing of the commit changes. */
  | { readonly do: "serve" }
  /** Proves that all is here, then records SEALED, then says it. */
  | { readonly do: "seal"; readonly next: SealedState }
  /** Records COMMITTED: the decision. Then says it. */
  | { readonly do: "commit"; readonly next: SinkState }
  /** Records ABORTED, then says it, if it was asked for; `alsoOver` where it is the migration that ends, and not only the attempt. */
  | { readonly do: "abort"; readonly next: SinkState; readonly alsoOver: boolean }
  /** Was recorded before: it is only said. */
  | { readonly do: "say"; readonly say: "committed" | "aborted"; readonly attempt: number }
  | { readonly do: "tell"; readonly state: CommitState }
  /** The migration ends, committed, and its source knows. */
  | { readonly do: "finish" }
  /** The migration ends, and the targets stay incomplete. */
  | { readonly do: "give-up" }
  /** It cannot be granted and the source is told so; what is recorded stays. */
  | { readonly do: "refuse"; readonly code: string; readonly why: string }
  /** No source that keeps to the rules says this here. */
  | { readonly do: "violation"; readonly why: string };

/** What else a step hangs on. */
export interface SinkSituation {
  /** Whether it would know if an attempt without a record had been sealed. If not, it never says no. */
  readonly remembers: boolean;
  /** Whether this connection agreed that what it seals is handed over. */
  readonly handsOver: boolean;
}

/** The table: what each request means in each state. It decides, and does nothing. */
export function nextStep(state: SinkState, request: SinkRequest, situation: SinkSituation): SinkStep {
  if (request.asks === "outcome") return { do: "tell", state: outcomeOf(state, request.attempt, situation) };
  switch (state.is) {
    case "open":
      return whileOpen(state.attempt, request, situation);
    case "sealed":
      return whileSealed(state, request);
    case "committed":
      return onceCommitted(state.attempt, request);
  }
}

/** The source owns the disks: it may send, seal the next attempt, or end what it likes. */
function whileOpen(last: number, request: Order, { handsOver }: SinkSituation): SinkStep {
  switch (request.asks) {
    case "land":
    case "hash":
    case "flush":
      return { do: "serve" };
    case "prepare":
      return request.attempt > last ? { do: "serve" } : tooOld("PREPARE", request.attempt, last);
    case "seal":
      if (request.attempt <= last) return tooOld("SEAL", request.attempt, last);
      return { do: "seal", next: sealedNow(request.attempt, handsOver) };
    case "abort":
      // Also of an attempt that was never sealed: from then on it cannot be.
      if (request.attempt <= last) return { do: "say", say: "aborted", attempt: request.attempt };
      return { do: "abort", next: { is: "open", attempt: request.attempt }, alsoOver: false };
    case "commit":
    case "done":
      return violation(request, "nothing is sealed");
    case "cancel":
      return { do: "give-up" };
  }
}

/** Everything is here: nothing is taken any more, and only the source can say which way it goes. */
function whileSealed(state: SealedState, request: Order): SinkStep {
  const { attempt, targets } = state;
  const aborted: SinkState = { is: "open", attempt };
  switch (request.asks) {
    case "commit":
      if (request.attempt !== attempt) return violation(request, `attempt ${attempt} is sealed`);
      if (targets === "anybody's") return { do: "refuse", code: "sealed-before", why: sealedBefore(attempt) };
      return { do: "commit", next: { is: "committed", attempt } };
    case "abort":
      if (request.attempt > attempt) return violation(request, `attempt ${attempt} is sealed`);
      if (request.attempt < attempt) return { do: "say", say: "aborted", attempt: request.attempt };
      return { do: "abort", next: aborted, alsoOver: targets === "handed-over" }; // they are not taken back
    case "cancel":
      // A source that gives up has not asked for the commit: said here as well, so that no record is left in doubt.
      return { do: "abort", next: aborted, alsoOver: true };
    case "land":
    case "hash":
    case "flush":
    case "prepare":
    case "seal":
    case "done":
      return violation(request, `attempt ${attempt} is sealed`);
  }
}

/** The decision has fallen: it is said as often as it is asked for, and nothing changes it. */
function onceCommitted(attempt: number, request: Order): SinkStep {
  switch (request.asks) {
    case "commit":
      if (request.attempt === attempt) return { do: "say", say: "committed", attempt };
      return violation(request, `attempt ${attempt} is committed`);
    case "abort":
      if (request.attempt > attempt) return violation(request, `attempt ${attempt} is committed`);
      return { do: "say", say: request.attempt === attempt ? "committed" : "aborted", attempt: request.attempt };
    case "done":
      return request.attempt === attempt ? { do: "finish" } : violation(request, `attempt ${attempt} is committed`);
    case "land":
    case "hash":
    case "flush":
    case "prepare":
    case "seal":
    case "cancel":
      return violation(request, `attempt ${attempt} is committed`);
  }
}

/** What is recorded of an attempt. One below the last can never be sealed any more, whatever became of it. */
function outcomeOf(state: SinkState, attempt: number, { remembers }: SinkSituation): CommitState {
  if (attempt > state.attempt) return remembers ? "open" : "unknown";
  if (attempt < state.attempt) return "aborted";
  if (attempt === 0) return remembers ? "open" : "unknown";
  return state.is === "open" ? "aborted" : state.is;
}

function sealedNow(attempt: number, handsOver: boolean): SealedState {
  return { is: "sealed", attempt, targets: handsOver ? "handed-over" : "ours" };
}

function tooOld(what: string, attempt: number, last: number): SinkStep {
  return { do: "violation", why: `${what} of attempt ${attempt}, and attempt ${last} has been before` };
}

function violation(request: SinkRequest, but: string): SinkStep {
  return { do: "violation", why: `the source says '${request.asks}', but ${but}` };
}

const sealedBefore = (attempt: number): string =>
  `attempt ${attempt} was sealed by a receiver that has ended since, and its targets may have been written: abort it, and try again`;

/** Why a migration ends at its sink, where its source does not end it. */
export type SinkStop = "cancelled" | "gave-up" | "failed";

/** How it then ends: by its own code, `in-doubt` where only the source knows, committed all the same, or not at all. */
export function endOf(state: SinkState, stop: SinkStop): "as-it-is" | "in-doubt" | "committed" | "not-yet" {
  if (state.is === "open") return "as-it-is";
  if (state.is === "sealed") return "in-doubt";
  return stop === "cancelled" ? "not-yet" : "committed"; // the targets own the disks: that cannot be cancelled
}
