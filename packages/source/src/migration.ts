import { createClassicConversation } from "./classic-conversation.ts";
import { classicFormat } from "./classic-format.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Conversation } from "./conversation.ts";
import { createCustody } from "./custody.ts";
import { createFlights } from "./flights.ts";
import { createInfluence } from "./influence.ts";
import { MigrationError } from "./migration-error.ts";
import type { MigrationOptions, MigrationResult } from "./migration-options.ts";
import { createPacer } from "./pacer.ts";
import { createPasses } from "./passes.ts";
import { createReport } from "./report.ts";
import { selectDisks } from "./select-disks.ts";
import { createSessionConversation } from "./session-conversation.ts";
import type { MigrationSource } from "./source-contract.ts";
import { createSourceOf } from "./source.ts";
import type { Statistics } from "./statistics.ts";
import { messageOf, Stop } from "./stop.ts";

const DEFAULT_DOWNTIME_LIMIT_MS = 300;
/** One fewer than the threads that Node.js has for files: whatever the guest asks for finds one free. More were no faster. */
const DEFAULT_READS = 3;
const DEFAULT_BUFFERED_BYTES = 16 * 1024 * 1024;
/** A guest that is in doubt and cannot come to rest yet is asked again so often. */
const NOT_YET_MS = 50;
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
  /** Milliseconds, for pauses that begin from now on. */
  setDowntimeLimit(milliseconds: number): void;
}

/** Moves disks that are being written: `createMigration(options).run()`. */
export function migrate(options: MigrationOptions): Promise<MigrationResult> {
  return createMigration(options).run();
}

/** Throws `RangeError` for a disk name that the wire cannot carry, and for options of a session that it cannot have. */
export function createMigration(options: MigrationOptions): Migration {
  const { guest, signal } = options;
  const format = options.format ?? classicFormat();
  for (const { name } of options.disks) format.assertName(name);
  const clock: Clock = options.clock ?? systemClock;
  const pacer = createPacer(clock, options.maxBandwidth, UNLIMITED_SLICE);
  const report = createReport(clock, options.onEvent);
  const flights = createFlights();

  let begun = false;
  /** An earlier run had asked for the commit, and nobody holds the guest yet. */
  let isDoubted = options.session?.resume?.asked !== undefined;
  let current: MigrationSource | undefined;
  let maxBandwidth = options.maxBandwidth;
  let downtimeLimit = options.downtimeLimit ?? DEFAULT_DOWNTIME_LIMIT_MS;
  const custody = createCustody({
    guest,
    signal,
    warn: (message) => report.warn(message),
    onEnding: (reason) => flights.fail(reason),
    interrupt: (reason) => conversation.interrupt(reason),
  });

  const confirm = async (): Promise<void> => {
    try {
      await options.confirm?.();
    } catch (cause) {
      throw new Stop("changed", messageOf(cause), { cause });
    }
  };

  const session =
    options.session &&
    createSessionConversation({
      session: options.session,
      clock,
      custody,
      signal,
      confirm,
      get downtimeLimit() {
        return downtimeLimit;
      },
      incremental: options.incremental === true,
      overrun: guest && options.tracker && (options.overrun ?? "resume"),
      warn: (message) => report.warn(message),
      onDecided: () => report.decided(),
      onReconnect: (why, waitMs) => report.reconnect(why, waitMs),
    });
  const conversation: Conversation =
    session ?? createClassicConversation({ wire: options.wire!, format, clock, custody, signal, confirm });
  const influence = createInfluence({
    options,
    flights,
    clock,
    report,
    maxBandwidth: () => maxBandwidth,
    outlet: () => session?.outlet,
  });

  const passes = createPasses({
    options,
    conversation,
    custody,
    influence,
    pacer,
    report,
    maxBandwidth: () => maxBandwidth,
    downtimeLimit: () => downtimeLimit,
  });

  /** Passes until it is time, then the pause and the commit; whatever breaks before commit is asked for is tried again. */
  const untilCommitted = async (source: MigrationSource): Promise<boolean> => {
    let isReady = options.session?.ready === undefined;
    for (;;) {
      try {
        if (!isReady) await conversation.prepare(); // what cannot be passed on is known before a disk is sent
        isReady = true;
        await passes.untilHeld(source);
        return await conversation.commit();
      } catch (error) {
        if (custody.asked || custody.ending.aborted) throw error;
        influence.end();
        const left = await custody.giveBack(false);
        if (left === "lost") throw error;
        report.resumed(source);
        await conversation.mend(error);
      }
    }
  };

  const moveThem = async (): Promise<boolean> => {
    const { disks, trackedAs, warnings } = selectDisks(options);
    for (const warning of warnings) report.warn(warning);
    custody.ending.throwIfAborted();
    if (isDoubted) {
      // Whoever began this had asked for the commit: until its outcome is known nobody writes.
      while ((await custody.pause()) === "not-yet") await clock.sleep(NOT_YET_MS, custody.ending);
      custody.ask();
      isDoubted = false; // from here on custody knows
    }
    const outlet = await conversation.open(disks, flights);
    if (outlet === "committed") return true;
    await custody.giveBack(false);
    const { tracker, incremental } = options;
    const reads = options.limits?.reads ?? DEFAULT_READS;
    const bufferedBytes = options.limits?.bufferedBytes ?? DEFAULT_BUFFERED_BYTES;
    const source = createSourceOf(outlet, flights, {
      disks,
      tracker,
      trackedAs,
      incremental,
      reads,
      bufferedBytes,
      clock,
    });
    current = source;
    influence.over(source, trackedAs);
    await source.setup();
    await conversation.begin(source);
    report.active(source.figures);
    return untilCommitted(source);
  };

  const run = async (): Promise<MigrationResult> => {
    if (begun) throw new Error("a migration runs once");
    begun = true;
    report.setup();
    custody.watch();
    try {
      const proved = await moveThem();
      await cleanUp();
      report.ended("completed", current?.figures);
      const { migration, serve } = session ?? {};
      const moved =
        migration === undefined ? {} : { session: { migration, ...(serve === undefined ? {} : { serve }) } };
      return { proved, statistics: report.statistics(), ...moved };
    } catch (error) {
      throw await fail(error);
    } finally {
      custody.close();
    }
  };

  /** Ends it: lets the wire go, gives the disk back to the guest unless in doubt, and says why. */
  const fail = async (error: unknown): Promise<MigrationError> => {
    const why = await reasonOf(error);
    const inDoubt = (custody.asked || isDoubted) && why.code !== "refused";
    influence.end();
    const leaving = conversation.leave(why);
    const left = await custody.giveBack(inDoubt);
    await leaving;
    await cleanUp();
    const code = inDoubt ? "in-doubt" : why.code;
    report.ended(code === "in-doubt" || code === "cancelled" ? code : "failed", current?.figures);
    const where = { phase: report.phase, pending: current?.figures.remaining ?? 0, guest: left } as const;
    const message = inDoubt ? `it is not known whether the receiver has committed: ${why.message}` : why.message;
    return new MigrationError(code, message, where, { cause: why.cause ?? why });
  };

  /** A reason from outside comes before what it broke, and the answer before the wire that broke after it. */
  const reasonOf = async (error: unknown): Promise<Stop> => {
    if (custody.ending.reason instanceof Stop) return custody.ending.reason;
    const why = error instanceof Stop ? error : new Stop("wire", messageOf(error), { cause: error });
    return custody.asked ? why : conversation.explain(why);
  };

  const cleanUp = async (): Promise<void> => {
    influence.end();
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
    setDowntimeLimit(milliseconds) {
      downtimeLimit = milliseconds;
    },
  };
}
