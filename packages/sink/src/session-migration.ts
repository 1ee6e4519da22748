import type { LoadErrorCode } from "./load-error.ts";
import { missingOf } from "./load-progress.ts";
import { Refusal } from "./refusal.ts";
import type { SessionOffer, SessionTargets } from "./session-contract.ts";
import type { SealedState, SinkState } from "./session-state.ts";
import { createSessionTarget, distrust, holdings, type SessionTarget } from "./session-target.ts";

/** One migration at its sink, whatever connection it has: its targets, its records, and where its commit stands. */
export interface Migration {
  readonly offer: SessionOffer;
  readonly targets: readonly SessionTarget[];
  readonly state: SinkState;
  /** Where the disks will be served, as last said to the source. */
  serve: string | undefined;
  /** Whether any byte of any target may have been written. */
  readonly touched: boolean;
  /** Whether an attempt without a record was never sealed, for certain. */
  readonly remembers: boolean;
  /** INCOMPLETE is recorded. Before the first byte is written; once is enough. */
  begin(): Promise<void>;
  /** Another run of the source speaks: what this one was sent is no longer known to it. */
  distrust(): void;
  /** What was written before it is on stable storage, and then recorded as held. */
  makeDurable(): Promise<void>;
  /** Throws `incomplete` unless everything is covered (or left out on purpose), and verified if that is claimed. */
  prove(verified: boolean): void;
  /** Whether its targets can be handed over when they are sealed, as its source wished. */
  readonly canHandOver: boolean;
  /** Everything is durable; then SEALED is recorded; then what is handed over is let go of. */
  seal(next: SealedState): Promise<void>;
  /** What was withheld is on its disk, if it is still ours; then COMMITTED is recorded. */
  commit(next: SinkState): Promise<void>;
  abort(next: SinkState): Promise<void>;
  /** The source knows. */
  done(): Promise<void>;
  close(): Promise<void>;
}

export function createMigration(offer: SessionOffer, opened: SessionTargets): Migration {
  const { journal, found, devices } = opened;
  const targets = offer.disks.map((disk, at) => createSessionTarget(disk, devices[at]!, found?.held[at] ?? []));
  let state = foundState(found);
  let beginning: Promise<void> | undefined;
  let isDistrusted = false;

  const flush = async (): Promise<void> => {
    await as("device", "a target could not be written", Promise.all(devices.map(async (device) => device.flush())));
  };

  const release = async (): Promise<void> => {
    if (opened.releaseWithheld) await as("device", WITHHELD, opened.releaseWithheld());
  };

  const makeDurable = async (): Promise<void> => {
    const held = holdings(targets); // before the flush: what lands while it runs may not be in it
    const isRecorded = beginning !== undefined;
    await flush();
    if (isRecorded) await as("journal", RECORD, journal.held(held));
  };

  const begin = async (): Promise<void> => {
    beginning ??= as("journal", RECORD, journal.begin(offer.migration, { clone: offer.clone }));
    await beginning;
  };

  const isHandedOver = (): boolean => state.is === "sealed" && state.targets === "handed-over";

  const record = async (what: "sealed" | "committed" | "aborted", next: SinkState): Promise<void> => {
    await as("journal", RECORD, journal.decide(what, next.attempt));
    state = next; // not before it is recorded
  };

  /** Whoever waits for the targets takes them without asking: they are let go of before SEALED is said. */
  const handOver = async ({ attempt }: SealedState): Promise<void> => {
    try {
      await as("device", "a target could not be closed", opened.handOver!());
    } catch (error) {
      await record("aborted", { is: "open", attempt }); // it was not said, so the source cannot have asked for the commit
      throw error;
    }
  };

  const forgetIfOpen = (): void => {
    if (!isDistrusted || state.is !== "open") return;
    isDistrusted = false;
    for (const target of targets) distrust(target);
  };

  return {
    offer,
    targets,
    serve: undefined,
    get state() {
      return state;
    },
    get touched() {
      return beginning !== undefined;
    },
    get remembers() {
      // A source that sends is in doubt of no earlier attempt; without a word of it we may be a sink that lost its records.
      return found !== undefined || beginning !== undefined;
    },
    canHandOver: offer.handOver && opened.handOver !== undefined,
    begin,
    distrust() {
      isDistrusted = true;
      forgetIfOpen(); // what is sealed was proved, and stays so until it is aborted
    },
    makeDurable,
    prove(verified) {
      const missing = missingOf(targets);
      if (missing !== "" && !offer.incremental) {
        throw new Refusal("incomplete", `the source says that all was sent, but it was not${missing}`);
      }
      const unproved = targets.find((target) => target.verified.bytes !== target.covered.bytes);
      if (!verified || !unproved) return;
      throw new Refusal("incomplete", `the source says that all is verified, but disk '${unproved.name}' is not`);
    },
    async seal(next) {
      await begin();
      if (opened.keepWithheld) await as("device", WITHHELD, opened.keepWithheld());
      await flush(); // and no record of what is held: the guest waits, and SEALED says that everything is
      if (next.targets === "handed-over") await release(); // nobody can, once it is another's
      await record("sealed", next);
      if (next.targets === "handed-over") await handOver(next);
    },
    async commit(next) {
      if (!isHandedOver()) await release();
      await record("committed", next);
    },
    async abort(next) {
      if (!found) await begin(); // there is a record to write it in
      await record("aborted", next);
      forgetIfOpen();
    },
    done: () => as("journal", RECORD, journal.done()),
    close: () => opened.close(beginning ? "touched" : "untouched"),
  };
}

const RECORD = "the record beside the targets could not be written";
const WITHHELD = "what is withheld could not be written";

function foundState(found: SessionTargets["found"]): SinkState {
  const attempt = found?.attempt ?? 0;
  if (found?.state === "sealed") return { is: "sealed", attempt, targets: "anybody's" };
  return found?.state === "committed" ? { is: "committed", attempt } : { is: "open", attempt };
}

/** A failure of ours, which ends the migration, and not of the wire. */
async function as<T>(code: LoadErrorCode, failure: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Refusal(code, `${failure}: ${message}`, { cause });
  }
}
