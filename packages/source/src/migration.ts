import type { Guest } from "@blkmig/device";

import { type Answer, earlyAnswer, explained, readAnswer, verdict } from "./answer.ts";
import { classicFormat } from "./classic-format.ts";
import { type Clock, systemClock } from "./clock.ts";
import { convergesByPending } from "./convergence.ts";
import { MigrationError, type MigrationPhase } from "./migration-error.ts";
import type { MigrationOptions, MigrationResult } from "./migration-options.ts";
import { createPacer } from "./pacer.ts";
import { createReport } from "./report.ts";
import { selectDisks } from "./select-disks.ts";
import type { Source } from "./source-contract.ts";
import { createSource } from "./source.ts";
import type { Statistics } from "./statistics.ts";
import { messageOf, Stop } from "./stop.ts";

const DEFAULT_DOWNTIME_LIMIT_MS = 300;
const DEFAULT_READS = 16;
const DEFAULT_BUFFERED_BYTES = 64 * 1024 * 1024;
/** Bytes of stream in one turn where no limit is set. */
const UNLIMITED_SLICE = 32 * 1024 * 1024;

/** One migration, from setup to its end. */
export interface Migration {
  /**
   * Runs it, once. Throws `MigrationError`; its `guest` says whether the guest runs. After success the guest stays
   * paused: the disk has moved.
   */
  run(): Promise<MigrationResult>;
  /** At any time, and after the end. */
  statistics(): Statistics;
  /** Bytes of stream per second from now on; undefined is no limit. */
  setMaxBandwidth(bytesPerSecond: number | undefined): void;
}

/** Moves disks that are being written: `createMigration(options).run()`. */
export function migrate(options: MigrationOptions): Promise<MigrationResult> {
  return createMigration(options).run();
}

/** Throws `RangeError` for a disk name that the wire cannot carry. */
export function createMigration(options: MigrationOptions): Migration {
  const { wire, guest, signal } = options;
  const format = options.format ?? classicFormat();
  for (const { name } of options.disks) format.assertName(name);
  const clock: Clock = options.clock ?? systemClock;
  const converges = options.convergence ?? convergesByPending;
  const downtimeLimit = options.downtimeLimit ?? DEFAULT_DOWNTIME_LIMIT_MS;
  const pacer = createPacer(clock, options.maxBandwidth, UNLIMITED_SLICE);
  const report = createReport(clock, options.onEvent);

  /** Aborts, with the `Stop`, when it must end for a reason from outside. */
  const ending = new AbortController();
  let current: Source | undefined;
  let phase: MigrationPhase = "setup";
  let paused = false;
  /** From the moment in which the sink may have read the last frame, only its answer decides. */
  let asked = false;
  let maxBandwidth = options.maxBandwidth;

  const timeToSwitch = async (source: Source): Promise<boolean> => {
    const pending = await source.pending();
    const { dirty, readBandwidth, bandwidth } = source.figures;
    const usable = bandwidth === undefined ? undefined : Math.min(bandwidth, maxBandwidth ?? Infinity);
    return converges({ bulkDone: source.bulkDone, pending, dirty, bandwidth: usable, readBandwidth, downtimeLimit });
  };

  const untilConverged = async (source: Source): Promise<void> => {
    while (!(await timeToSwitch(source))) {
      const { passEnded, submitted } = await source.iterate(pacer.slice);
      phase = source.bulkDone ? "dirty" : "bulk";
      report.step(phase, source.figures, passEnded);
      const wait = pacer.spend(submitted);
      if (wait > 0) await clock.sleep(wait, ending.signal);
    }
  };

  const switchOver = async (source: Source): Promise<void> => {
    phase = "switchover";
    report.switchover(source.figures);
    if (guest) await pause(guest);
  };

  /** A guest that cannot come to rest must not keep whoever cancels waiting. */
  const pause = async (who: Guest): Promise<void> => {
    paused = true; // or about to be: a resume that comes too early ends the pause
    try {
      const ended = rejectedBy(ending.signal);
      await Promise.race([ended, who.pause()]);
    } catch (cause) {
      if (cause instanceof Stop) throw cause;
      paused = false;
      throw new Stop("guest", `the guest would not pause: ${messageOf(cause)}`, { cause });
    }
  };

  /** Sends the rest and the last frames. What breaks after them is not thrown but given: only the answer decides then. */
  const sendTheRest = async (source: Source): Promise<unknown> => {
    try {
      await source.complete(async () => {
        await confirm();
        asked = true; // the last frames are next: from here on no signal, and no early answer, may end it
      });
      await wire.finish();
      return undefined;
    } catch (error) {
      if (!asked) throw error;
      return error;
    }
  };

  const confirm = async (): Promise<void> => {
    try {
      await options.confirm?.();
    } catch (cause) {
      throw cause instanceof Stop ? cause : new Stop("changed", messageOf(cause), { cause });
    }
    ending.signal.throwIfAborted();
  };

  /**
   * Ends it for a reason from outside: whoever waits for a flight, the clock, the guest or a peer that takes nothing wakes up.
   * Once commit was asked for, only the wire is let go.
   */
  const stop = (reason: Stop): void => {
    if (!asked) {
      current?.fail(reason);
      ending.abort(reason);
    }
    wire.destroy(reason);
  };

  const onAbort = (): void => stop(cancelled());
  const stopListening = (): void => signal?.removeEventListener("abort", onAbort);

  /** Before it is asked for, any answer ends it. After that a no need not wait for frames that nobody takes any more. */
  const onAnswer = (answer: Answer): void => {
    if (!asked) stop(earlyAnswer(answer));
    else if (answer.said !== "yes") wire.destroy();
  };

  const run = async (): Promise<MigrationResult> => {
    report.setup();
    let answer: Promise<Answer> | undefined;
    try {
      const { disks, trackedAs, warnings } = selectDisks(options);
      for (const warning of warnings) report.warn(warning);
      const { tracker, incremental } = options;
      const reads = options.limits?.reads ?? DEFAULT_READS;
      const bufferedBytes = options.limits?.bufferedBytes ?? DEFAULT_BUFFERED_BYTES;
      const source = createSource({
        disks,
        format,
        wire,
        tracker,
        trackedAs,
        incremental,
        reads,
        bufferedBytes,
        clock,
      });
      current = source;
      if (signal?.aborted) throw cancelled();
      signal?.addEventListener("abort", onAbort);
      answer = wire.read && readAnswer((into) => wire.read!(into));
      void answer?.then(onAnswer);
      await source.setup();
      phase = "bulk";
      report.active(source.figures);
      await untilConverged(source);
      await switchOver(source);
      const proved = await verdict(answer, await sendTheRest(source), signal);
      await cleanUp();
      report.ended("completed", source.figures);
      return { proved, statistics: report.statistics() };
    } catch (error) {
      throw await fail(error, answer);
    } finally {
      stopListening();
    }
  };

  /** Ends it: lets the wire go, gives the disk back to the guest unless in doubt, and says why. */
  const fail = async (error: unknown, answer: Promise<Answer> | undefined): Promise<MigrationError> => {
    const why = await reasonOf(error, answer);
    const inDoubt = asked && why.code !== "refused";
    wire.destroy(why);
    const state = inDoubt ? "paused" : await resume();
    await cleanUp();
    const code = inDoubt ? "in-doubt" : why.code;
    report.ended(code === "in-doubt" || code === "cancelled" ? code : "failed", current?.figures);
    const where = { phase, pending: current?.figures.remaining ?? 0, guest: state } as const;
    const message = inDoubt ? `it is not known whether the receiver has committed: ${why.message}` : why.message;
    return new MigrationError(code, message, where, { cause: why.cause ?? why });
  };

  /** A reason from outside comes before what it broke, and the answer before the wire that broke after it. */
  const reasonOf = async (error: unknown, answer: Promise<Answer> | undefined): Promise<Stop> => {
    if (ending.signal.reason instanceof Stop) return ending.signal.reason;
    const why = error instanceof Stop ? error : new Stop("wire", messageOf(error), { cause: error });
    return why.code === "wire" && answer && !asked ? explained(why, answer, clock) : why;
  };

  const cleanUp = async (): Promise<void> => {
    try {
      await current?.cleanup();
    } catch (cause) {
      report.warn(`tracking would not stop: ${messageOf(cause)}`);
    }
  };

  const resume = async (): Promise<"running" | "lost"> => {
    if (!paused) return "running";
    try {
      await guest?.resume();
      return "running";
    } catch (cause) {
      report.warn(`the guest would not resume: ${messageOf(cause)}`);
      return "lost";
    }
  };

  return {
    run,
    statistics: () => report.statistics(),
    setMaxBandwidth(bytesPerSecond) {
      maxBandwidth = bytesPerSecond;
      pacer.setRate(bytesPerSecond);
    },
  };
}

/** Rejects with the signal's reason when it aborts. */
function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onEnd = (): void => reject(signal.reason instanceof Stop ? signal.reason : cancelled());
    if (signal.aborted) onEnd();
    else signal.addEventListener("abort", onEnd, { once: true });
  });
}

const cancelled = (): Stop => new Stop("cancelled", "cancelled");
