import type { Clock } from "./clock.ts";
import type { Custody } from "./custody.ts";
import { Cut } from "./cut.ts";
import type { Overruns } from "./overrun.ts";
import type { SessionLink } from "./session-link.ts";
import type { SessionOptions } from "./session-options.ts";
import type { MigrationSource } from "./source-contract.ts";
import { messageOf, Stop } from "./stop.ts";

/** How often what the sink reads back may differ from what it was sent while nobody writes. */
const VERIFY_ROUNDS = 3;

const NEVER: AbortSignal = new AbortController().signal;

export interface CommitParts {
  readonly session: SessionOptions;
  readonly attempt: number;
  readonly source: MigrationSource;
  readonly custody: Custody;
  readonly clock: Clock;
  /** The caller's: ends waiting for an outcome; then it is in doubt. */
  readonly signal: AbortSignal | undefined;
  /** Milliseconds, and what becomes of a pause that takes longer. */
  readonly downtimeLimit: number;
  readonly overruns: Overruns;
  readonly link: () => SessionLink;
  readonly connectAgain: (why: string, signal: AbortSignal) => Promise<SessionLink>;
  /** Which run of the receiving program has what was sent. */
  readonly sinkRun: () => string | undefined;
  /** Asked when all has landed and the guest is paused. Throws `Stop`. */
  readonly confirm: () => Promise<void>;
  readonly warn: (message: string) => void;
  /** SEAL is said next, and with it the targets are another program's: nothing can go on after a failure. */
  readonly onHandOver: () => void;
  /** The sink has committed: what follows keeps nobody waiting. */
  readonly onDecided: () => void;
}

/**
 * With the guest paused: sends and proves the rest, seals it, and asks for the commit. Throws `Cut` or `Overrun` where the
 * migration may go on with the guest resumed (never once the targets are handed over), `Stop` where not; once commit is asked
 * for, only `Stop` `in-doubt`.
 */
export async function commitSession(parts: CommitParts): Promise<{ readonly serve?: string }> {
  const { source, session, attempt, custody } = parts;
  const pause = watchPause(parts);
  try {
    await source.rest();
    if (session.verify) await proveRest(parts);
    const link = parts.link();
    const verified = session.verify === true;
    if (session.handOver) {
      pause.forgoReturn();
      parts.onHandOver();
    }
    await link.request({ say: "seal", attempt, frames: link.carried, verified }, "sealed", pause.over);
    await parts.confirm();
    pause.check();
  } finally {
    pause.end();
  }
  parts.link().ended.throwIfAborted(); // a wire that is known to have broken leaves nothing in doubt
  try {
    await record(session.journal?.asked(attempt), "that commit is asked for");
    custody.ask();
  } catch (error) {
    // Nobody was asked: a record that says otherwise would leave a disk in doubt that is not.
    await session.journal?.kept().catch((cause: unknown) => parts.warn(messageOf(cause)));
    throw error;
  }
  const committed = await untilDecided(parts);
  parts.onDecided();
  await rememberMoved(parts, parts.link(), attempt);
  return committed;
}

/** Ends a pause that takes too long, as long as commit was not asked for. */
function watchPause({ clock, downtimeLimit, overruns, source, custody }: CommitParts) {
  const began = clock.now();
  const ended = new AbortController();
  const over = new AbortController();
  let mayGoBack = true;
  const onEnding = (): void => over.abort(custody.ending.reason);
  custody.ending.addEventListener("abort", onEnding, { once: true });
  const expire = (): void => {
    if (ended.signal.aborted) return;
    const overrun = overruns.judge({ ms: clock.now() - began, limit: downtimeLimit, mayGoBack });
    if (!overrun) return;
    over.abort(overrun);
    source.fail(overrun);
  };
  void clock.sleep(downtimeLimit, ended.signal).then(expire);
  return {
    over: over.signal,
    /** From now on it is given up no more; throws if it was. */
    forgoReturn(): void {
      over.signal.throwIfAborted();
      mayGoBack = false;
    },
    check: () => over.signal.throwIfAborted(),
    end(): void {
      ended.abort();
      custody.ending.removeEventListener("abort", onEnding);
    },
  };
}

/** What was sent since it was verified last is read back by the sink. Nobody writes now, so what differs is damage. */
async function proveRest({ source, warn }: CommitParts): Promise<void> {
  for (let round = 0; source.claimUnverified() > 0; round++) {
    const before = source.figures.differed;
    if (round === VERIFY_ROUNDS) {
      throw new Stop(
        "mismatch",
        "what the receiver reads back differs from what it was sent, again and again: its disk or its memory is not to be trusted",
      );
    }
    await source.rest();
    const differed = source.figures.differed - before;
    if (differed > 0) warn(`the receiver read back ${differed} bytes that differ from what it was sent; sent again`);
  }
}

/** Asks for the commit until it is decided. The guest stays paused; whatever is not a durable answer is no answer. */
async function untilDecided(parts: CommitParts): Promise<{ readonly serve?: string }> {
  const { attempt, link, signal } = parts;
  for (;;) {
    try {
      return await link().request({ say: "commit", attempt }, "committed", signal);
    } catch (error) {
      if (!(error instanceof Cut)) throw inDoubt(error, signal);
      const again = await parts.connectAgain(error.message, signal ?? NEVER).catch((cause: unknown) => {
        throw inDoubt(cause, signal);
      });
      const outcome = await settleOutcome(parts, again, attempt, "lived");
      if (outcome === "committed") return {};
      if (outcome === "kept") throw new Cut("the receiver had not committed");
    }
  }
}

/** What is asked, and recorded, of an attempt whose answer was lost. */
export type OutcomeParts = Pick<CommitParts, "session" | "custody" | "signal" | "sinkRun" | "warn">;

/**
 * What became of an attempt whose answer was lost. `kept`: it was not committed, and cannot be any more. `again`: it is
 * sealed still, by a sink that lived on, for a source that did. Throws `Stop` `in-doubt` where nobody knows.
 */
export async function settleOutcome(
  parts: OutcomeParts,
  link: SessionLink,
  attempt: number,
  source: "lived" | "restarted",
): Promise<"committed" | "kept" | "again"> {
  const { custody, session, signal } = parts;
  try {
    const { state } = await link.request({ say: "outcome", attempt }, "state", signal);
    if (state === "unknown") throw new Error("the receiver knows nothing of this migration, which is no answer");
    if (state === "committed") return "committed";
    if (state === "sealed" && source === "lived" && link.welcome.sink === parts.sinkRun()) return "again";
    if (state !== "aborted") await link.request({ say: "abort", attempt }, "aborted", signal);
  } catch (error) {
    if (source === "lived" && error instanceof Cut) return "again"; // asked again over another connection
    throw inDoubt(error, signal);
  }
  await record(session.journal?.kept(), "that it was not committed");
  custody.kept();
  return "kept";
}

/** The disk has moved: durably said here before the sink may forget it. */
export async function rememberMoved(
  { session, warn }: Pick<CommitParts, "session" | "warn">,
  link: SessionLink,
  attempt: number,
): Promise<void> {
  try {
    await session.journal?.moved(attempt, session.clone ? "cloned" : "moved");
  } catch (error) {
    warn(`the disk has moved, and that could not be recorded here: ${messageOf(error)}`);
    return link.end(new Cut("the migration is over, but for its record"));
  }
  // It is committed, and recorded at both ends: if the wire breaks now, nobody needs to ask.
  await link.part({ say: "done", attempt }, new Cut("the migration is over"));
}

/** Waits until a record is durable. Throws `Stop` `journal`. */
export async function record(written: Promise<void> | undefined, what: string): Promise<void> {
  try {
    await written;
  } catch (cause) {
    throw new Stop("journal", `it could not be recorded ${what}: ${messageOf(cause)}`, { cause });
  }
}

export function inDoubt(error: unknown, signal: AbortSignal | undefined): Stop {
  const why = signal?.aborted ? "interrupted before the receiver's answer came" : messageOf(error);
  return new Stop("in-doubt", why, { cause: error });
}
