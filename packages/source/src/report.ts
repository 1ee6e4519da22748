import type { Clock } from "./clock.ts";
import { pendingBytes } from "./disk-work.ts";
import type { MigrationPhase } from "./migration-error.ts";
import type { Source, SourceFigures } from "./source-contract.ts";
import type { Converging, Influenced, MigrationEvent, MigrationStatus, Statistics } from "./statistics.ts";

/** At most so often is a status told. */
const STATUS_EVERY_MS = 100;

/** Keeps what is known of a migration, and tells it. */
export interface Report {
  setup(): void;
  active(figures: SourceFigures): void;
  /** A turn was taken. */
  step(progress: Progress): void;
  /** A pass has ended, and the tracker was asked what the next one is to send. */
  pass(progress: Progress): void;
  switchover(figures: SourceFigures): void;
  /** The destination may answer from now on: the downtime is over. */
  decided(): void;
  /** The guest runs again, for more passes. */
  resumed(progress: Progress): void;
  /** A connection broke and is tried again after `waitMs`; undefined: there is one again. */
  reconnect(why: string, waitMs: number | undefined): void;
  /** What is done to the guest from now on. */
  influence(change: Partial<Influenced>): void;
  converge(measure: Converging): void;
  ended(status: MigrationStatus, figures: SourceFigures | undefined): void;
  warn(message: string): void;
  statistics(): Statistics;
  readonly phase: MigrationPhase;
}

type Progress = Pick<Source, "bulkDone" | "figures">;

export function createReport(clock: Clock, onEvent: ((event: MigrationEvent) => void) | undefined): Report {
  const tell = (event: MigrationEvent): void => onEvent?.(event);
  let figures: SourceFigures | undefined;
  let status: MigrationStatus = "none";
  let phase: MigrationPhase = "setup";
  let startedAt: number | undefined;
  let activeAt: number | undefined;
  let pausedAt: number | undefined;
  let decidedAt: number | undefined;
  let endedAt: number | undefined;
  let toldAt = -Infinity;
  let reconnects = 0;
  let influenced: Influenced = { throttle: undefined, mirroring: false };

  const since = (from: number | undefined, to: number | undefined): number =>
    from === undefined ? 0 : (to ?? clock.now()) - from;

  const statistics = (): Statistics => {
    const pending = figures?.remaining ?? 0;
    const toVerify = figures?.toVerify ?? 0;
    const bandwidth = figures?.bandwidth;
    return {
      status,
      phase,
      transferred: figures?.transferred ?? 0,
      acknowledged: figures?.acknowledged,
      remaining: pending - toVerify,
      toVerify,
      total: sum(figures, ({ disk }) => disk.device.size),
      dirtySyncCount: figures?.dirtySyncCount ?? 0,
      dirtyRate: figures?.dirtyRate ?? 0,
      bandwidth: bandwidth ?? 0,
      expectedDowntime: bandwidth === undefined ? undefined : (pending / bandwidth) * 1000,
      downtime: pausedAt === undefined ? undefined : since(pausedAt, decidedAt ?? endedAt),
      ...influenced,
      reconnects,
      verified: figures?.verified ?? 0,
      setupTime: since(startedAt, activeAt ?? endedAt),
      totalTime: since(startedAt, endedAt),
      disks: (figures?.work ?? []).map((work) => ({
        name: work.disk.name,
        size: work.disk.device.size,
        remaining: pendingBytes(work) - (toVerify > 0 ? work.claimed.bytes : 0),
        dataBytes: work.dataBytes,
        zeroBytes: work.zeroBytes,
        skippedBytes: work.skippedBytes,
        equalBytes: work.equalBytes,
      })),
    };
  };

  const note = (progress: Progress): void => {
    phase = progress.bulkDone ? "dirty" : "bulk";
    figures = progress.figures;
  };

  const tellStatus = (): void => {
    toldAt = clock.now();
    tell({ type: "status", statistics: statistics() });
  };

  return {
    setup() {
      startedAt = clock.now();
      status = "setup";
      tellStatus();
    },
    active(now) {
      activeAt = clock.now();
      figures = now;
      status = "active";
      phase = "bulk";
      tellStatus();
    },
    step(progress) {
      note(progress);
      if (clock.now() - toldAt >= STATUS_EVERY_MS) tellStatus();
    },
    pass(progress) {
      note(progress);
      const { dirtySyncCount } = progress.figures;
      tell({ type: "pass", pass: dirtySyncCount, statistics: statistics() });
    },
    switchover(now) {
      pausedAt = clock.now();
      figures = now;
      status = "device";
      phase = "switchover";
      tellStatus();
    },
    decided() {
      decidedAt = clock.now();
    },
    resumed(progress) {
      note(progress);
      pausedAt = undefined;
      status = "active";
      tellStatus();
    },
    reconnect(why, waitMs) {
      if (waitMs === undefined) reconnects++;
      tell({ type: "reconnect", why, waitMs, reconnects });
    },
    influence(change) {
      influenced = { ...influenced, ...change };
    },
    converge: (measure) => tell({ type: "converge", ...measure, statistics: statistics() }),
    ended(how, now) {
      endedAt = clock.now();
      if (now) figures = now;
      status = how;
      tellStatus();
    },
    warn: (message) => tell({ type: "warning", message }),
    statistics,
    get phase() {
      return phase;
    },
  };
}

function sum(figures: SourceFigures | undefined, of: (work: SourceFigures["work"][number]) => number): number {
  return (figures?.work ?? []).reduce((total, work) => total + of(work), 0);
}
