import { type Answer, explained, readAnswer, verdict } from "./answer.ts";
import { classicFormat } from "./classic-format.ts";
import { type Clock, systemClock } from "./clock.ts";
import { convergesByPending } from "./convergence.ts";
import { createCustody } from "./custody.ts";
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

  let begun = false;
  let current: Source | undefined;
  let phase: MigrationPhase = "setup";
  let maxBandwidth = options.maxBandwidth;
  const custody = createCustody({
    guest,
    signal,
    wire,
    warn: (message) => report.warn(message),
    onEnding: (reason) => current?.fail(reason),
  });

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
      if (wait > 0) await clock.sleep(wait, custody.ending);
    }
  };

  const switchOver = async (source: Source): Promise<void> => {
    phase = "switchover";
    report.switchover(source.figures);
    await custody.pause();
  };

  /** Sends the rest and the last frames. What breaks after them is not thrown but given: only the answer decides then. */
  const sendTheRest = async (source: Source): Promise<unknown> => {
    try {
      await source.complete(async () => {
        await confirm();
        custody.ask();
      });
      await wire.finish();
      return undefined;
    } catch (error) {
      if (!custody.asked) throw error;
      return error;
    }
  };

  const confirm = async (): Promise<void> => {
    try {
      await options.confirm?.();
    } catch (cause) {
      throw new Stop("changed", messageOf(cause), { cause });
    }
  };

  const run = async (): Promise<MigrationResult> => {
    if (begun) throw new Error("a migration runs once");
    begun = true;
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
      custody.ending.throwIfAborted();
      answer =
        wire.read &&
        readAnswer(
          (into) => wire.read!(into),
          (ping) => source.acknowledge(ping),
        );
      void answer?.then((said) => custody.hear(said));
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
      custody.close();
    }
  };

  /** Ends it: lets the wire go, gives the disk back to the guest unless in doubt, and says why. */
  const fail = async (error: unknown, answer: Promise<Answer> | undefined): Promise<MigrationError> => {
    const why = await reasonOf(error, answer);
    const inDoubt = custody.asked && why.code !== "refused";
    wire.destroy(why);
    const left = await custody.giveBack(inDoubt);
    await cleanUp();
    const code = inDoubt ? "in-doubt" : why.code;
    report.ended(code === "in-doubt" || code === "cancelled" ? code : "failed", current?.figures);
    const where = { phase, pending: current?.figures.remaining ?? 0, guest: left } as const;
    const message = inDoubt ? `it is not known whether the receiver has committed: ${why.message}` : why.message;
    return new MigrationError(code, message, where, { cause: why.cause ?? why });
  };

  /** A reason from outside comes before what it broke, and the answer before the wire that broke after it. */
  const reasonOf = async (error: unknown, answer: Promise<Answer> | undefined): Promise<Stop> => {
    if (custody.ending.reason instanceof Stop) return custody.ending.reason;
    const why = error instanceof Stop ? error : new Stop("wire", messageOf(error), { cause: error });
    return why.code === "wire" && answer && !custody.asked ? explained(why, answer, clock) : why;
  };

  const cleanUp = async (): Promise<void> => {
    try {
      await current?.cleanup();
    } catch (cause) {
      report.warn(`tracking would not stop: ${messageOf(cause)}`);
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
