import { convergesByPending } from "./convergence.ts";
import type { Conversation } from "./conversation.ts";
import type { Custody } from "./custody.ts";
import type { Influence } from "./influence.ts";
import { createLastPasses } from "./last-passes.ts";
import type { MigrationOptions } from "./migration-options.ts";
import type { Pacer } from "./pacer.ts";
import type { Report } from "./report.ts";
import type { MigrationSource, Turn } from "./source-contract.ts";

/** About how long a turn of a session takes, and what it sends at least, bytes. */
const TURN_MS = 250;
const LEAST_SLICE = 1024 * 1024;
/** Between turns in which there is nothing to do: at first, and twice as long with each, but no longer than that. */
const IDLE_MS = 10;
const MOST_IDLE_MS = 100;

/** Passes over the disks while the guest runs. */
export interface Passes {
  /** Goes on until it is time to switch over and the guest is held; one that cannot come to rest yet goes on with them. */
  untilHeld(source: MigrationSource): Promise<void>;
}

export interface PassesParts {
  readonly options: Pick<MigrationOptions, "guest" | "convergence" | "session">;
  readonly conversation: Conversation;
  readonly custody: Custody;
  readonly influence: Influence;
  readonly pacer: Pacer;
  readonly report: Report;
  /** Bytes per second, and milliseconds: as they are set now. */
  readonly maxBandwidth: () => number | undefined;
  readonly downtimeLimit: () => number;
}

export function createPasses(parts: PassesParts): Passes {
  const { options, conversation, custody, influence, pacer, report } = parts;
  const converges = options.convergence ?? convergesByPending;
  const lastPasses = createLastPasses();
  let warnedOfOverhead = false;
  let idleMs = 0;

  /** Said once: with such a limit it is switched over only if the guest writes nothing for a while. */
  const warnOfOverhead = ({ bulkDone }: MigrationSource): void => {
    const overhead = Math.ceil(conversation.overhead);
    const limit = parts.downtimeLimit();
    if (!options.guest || warnedOfOverhead || !bulkDone || overhead <= limit) return;
    warnedOfOverhead = true;
    report.warn(
      `the receiver's flush and the round trips alone take ${overhead} ms of a downtime limit of ${limit} ms`,
    );
  };

  const isTimeToSwitch = ({ bulkDone, figures }: MigrationSource, pending: number): boolean => {
    const { dirty, readBandwidth } = figures;
    const bandwidth = figures.bandwidth && Math.min(figures.bandwidth, parts.maxBandwidth() ?? Infinity);
    const limit = Math.max(0, parts.downtimeLimit() - conversation.overhead);
    const view = { bulkDone, dirty, bandwidth, readBandwidth, downtimeLimit: limit };
    // What is read back costs the wire next to nothing, so no limit of the wire holds it up.
    const unlimited = bandwidth === undefined ? 1 : bandwidth / figures.bandwidth!;
    if (converges({ ...view, pending: pending + conversation.toVerify(pending) * unlimited })) return true;
    if (bulkDone && converges({ ...view, pending })) conversation.claimMore();
    return false;
  };

  /** The guest may be paused, and would wait for less after one pass more. Whoever has a rule knows what it waits for. */
  const paysToGoOn = ({ figures: { bandwidth } }: MigrationSource, pending: number): boolean =>
    options.guest !== undefined &&
    options.convergence === undefined &&
    lastPasses.pays((pending * 1000) / (bandwidth ?? Infinity), parts.downtimeLimit());

  /** Little is left, and it is a rule of the caller's own that waits: not for the guest to write less. */
  const isForRule = ({ bulkDone, figures: { bandwidth, dirty, readBandwidth } }: MigrationSource, pending: number) =>
    options.convergence !== undefined &&
    convergesByPending({ bulkDone, pending, dirty, bandwidth, readBandwidth, downtimeLimit: parts.downtimeLimit() });

  /** On a slow wire a turn is short, so that what is told of it moves. A classic turn is a section, and stays as it is. */
  const sliceOf = ({ figures }: MigrationSource): number => {
    if (!options.session) return pacer.slice;
    return Math.min(pacer.slice, Math.max(LEAST_SLICE, ((figures.bandwidth ?? 0) * TURN_MS) / 1000));
  };

  const takeTurn = async (source: MigrationSource, last: Turn | undefined): Promise<Turn> => {
    const turn = await source.iterate(sliceOf(source));
    const { submitted, compared } = turn;
    report.step(source);
    // A rule of the caller's own waits for something. One turn without work proves little: it may only have asked too early.
    const isIdle = submitted === 0 && last?.submitted === 0 && source.figures.remaining === 0;
    idleMs = isIdle ? Math.min(MOST_IDLE_MS, Math.max(IDLE_MS, idleMs * 2)) : 0;
    const wait = Math.max(pacer.spend(submitted - compared), idleMs);
    if (wait > 0) await pacer.wait(wait, custody.ending);
    return turn;
  };

  const hold = async (source: MigrationSource): Promise<boolean> => {
    await conversation.prepare();
    report.switchover(source.figures);
    if ((await custody.pause()) === "held") return true;
    report.resumed(source);
    return false;
  };

  return {
    async untilHeld(source) {
      let turn: Turn | undefined;
      let isGoingOn = false;
      for (;;) {
        // Once a turn, for it may be expensive, and after the turn's wait: what is decided by must not be that old.
        const pending = await source.pending();
        warnOfOverhead(source);
        if (turn?.passEnded) {
          report.pass(source);
          if (!isForRule(source, pending)) influence.afterPass(source);
        }
        if (turn?.passEnded) isGoingOn = false;
        if (!isGoingOn && isTimeToSwitch(source, pending)) {
          isGoingOn = paysToGoOn(source, pending);
          if (isGoingOn) conversation.claimMore(); // read back meanwhile, too, or the pause would have to
          else if (await hold(source)) return;
        }
        turn = await takeTurn(source, turn); // also when it was not held: a guest that answers at once would be asked for ever
      }
    },
  };
}
