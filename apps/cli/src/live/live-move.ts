import { joinGuests, joinTrackers } from "@blkmig/device";
import { createMigration, type Migration, MigrationError, type Statistics } from "@blkmig/source";
import { formatWireUrl } from "@blkmig/transport/url";

import { CommandError } from "../command-error.ts";
import { loadCrc32 } from "../load-crc32.ts";
import { connectBy, createSendWires, type SendWires } from "../send/send-wires.ts";
import { openSessionRecord, type SessionRecord } from "../send/session-record.ts";
import type { ForwardLink } from "./forward-link.ts";
import { createForwarding } from "./forwarding.ts";
import { createHandover, type Handover, type HandoverOptions } from "./handover.ts";
import type { MoveHooks, MoveOptions, MoveResult } from "./live-contract.ts";
import type { LiveDisk } from "./live-disk.ts";
import { createLiveJournal } from "./live-journal.ts";
import { readMovable } from "./live-records.ts";
import { isBound } from "./live-state.ts";

/** Of a session, bytes. */
const LEAST_GRANULARITY = 4096;

/** One migration of some of the disks. */
export interface LiveMove {
  readonly to: string;
  readonly disks: readonly LiveDisk[];
  /** Once it has one. */
  readonly id: string | undefined;
  readonly statistics: Statistics | undefined;
  /** Once. Throws as `LiveServer.move`. */
  run(): Promise<MoveResult>;
  /** Unless commit is asked for: then its outcome is waited for. */
  cancel(): void;
  setMaxBandwidth(bytesPerSecond: number | undefined): void;
  setDowntimeLimit(milliseconds: number): void;
  /** What is left to be done when it is in doubt. */
  readonly handover: Handover | undefined;
}

export interface LiveMoveParts {
  /** All `local`, or all in one doubt. */
  readonly disks: readonly LiveDisk[];
  readonly options: MoveOptions;
  readonly hooks: MoveHooks;
  readonly stateDir: string | undefined;
  /** Bytes: what the disks have been tracked by all along. */
  readonly granularity: number;
  /** What the same migration has left, if these disks are in doubt. */
  readonly earlier: Handover | undefined;
  /** Aborts when the server ends. */
  readonly ending: AbortSignal;
  readonly hangUp: HandoverOptions["hangUp"];
  readonly onPassedOn: (disk: LiveDisk, link: ForwardLink) => void;
  /** Of the server, and not of whoever asked for this: he may be gone. */
  readonly say: (message: string) => void;
  readonly warn: (message: string) => void;
}

/** What `createMigration` has not begun yet can be said only once it has. */
interface Limits {
  maxBandwidth: number | undefined;
  downtimeLimit: number;
}

export function createLiveMove(parts: LiveMoveParts): LiveMove {
  const { disks, options, hooks, stateDir } = parts;
  const to = formatWireUrl(options.to);
  const limits: Limits = { maxBandwidth: options.maxBandwidth, downtimeLimit: options.downtimeLimit };
  const cancelling = new AbortController();
  let migration: Migration | undefined;
  let record: SessionRecord | undefined;
  let handover: Handover | undefined;
  let isUnwanted = false;

  const cancel = (): void => {
    isUnwanted = true;
    // Once commit is asked for only its outcome ends it: whoever waits for that must not be told to stop.
    if (!disks.some(({ state }) => isBound(state))) cancelling.abort();
  };

  const createHandoverOf = async ({ migration: id, resume, serve }: SessionRecord): Promise<Handover> => {
    const { after } = options;
    await parts.earlier?.forwarding?.release();
    if (after !== "forward" || options.session.clone) return createHandover({ ...parts, after, forwarding: undefined });
    const forwarding = createForwarding({ ...parts, migration: id, choice: options, earlier: serve });
    if (resume?.asked !== undefined && forwarding.serve === undefined) {
      const why = "if it was committed, its clients are passed on, and where to was not said then";
      throw new CommandError("refused", `${why}: say --forward-to URL, --after close or --after hold`);
    }
    return createHandover({ ...parts, after, forwarding });
  };

  const migrateBy = async (wires: SendWires, opened: SessionRecord, handing: Handover): Promise<MoveResult> => {
    const { session, throttle, mirror } = options;
    const { verify, checksums, clone, reconnectFor } = session;
    const within = options.to.kind === "stdio" ? 0 : reconnectFor;
    const { forwarding } = handing;
    const live = createLiveJournal({
      ...parts,
      record: opened,
      handover: handing,
      onKept: () => (isUnwanted ? cancel() : undefined),
    });
    migration = createMigration({
      session: {
        connect: await connectBy(wires, cancelling.signal, within),
        migration: opened.migration,
        journal: live.journal,
        ...(opened.resume && { resume: opened.resume }),
        ...(forwarding && { ready: (serve) => forwarding.ready(serve) }),
        verify,
        checksums,
        crc32: await loadCrc32(),
        clone,
        granularity: Math.max(parts.granularity, LEAST_GRANULARITY),
        reconnectFor: within,
      },
      disks: disks.map(({ name, disk }) => ({ name, device: disk })),
      tracker: joinTrackers(disks.map(({ tracker }) => tracker)),
      guest: joinGuests(disks.map(({ guest }) => guest)),
      includeReadOnly: true,
      throttle,
      mirror,
      downtimeLimit: limits.downtimeLimit,
      ...(limits.maxBandwidth === undefined ? {} : { maxBandwidth: limits.maxBandwidth }),
      signal: cancelling.signal,
      onEvent: hooks.onEvent,
    });
    const result = await migration.run();
    await live.settled();
    const serve = forwarding?.shown ?? result.session?.serve;
    return {
      ...result,
      downtime: handing.downtime,
      migration: opened.migration,
      after: handing.after,
      ...(serve === undefined ? {} : { serve }),
    };
  };

  const move = async (): Promise<MoveResult> => {
    const { resume } = options.session;
    const recorded = await readMovable(disks, { resume, ...(stateDir === undefined ? {} : { stateDir }) });
    const wires = await createSendWires(
      { ...options, resume },
      {
        output: { say: hooks.say, warn: hooks.warn, event: (event, fields) => hooks.event?.(event, fields) },
        signal: cancelling.signal,
      },
    );
    try {
      record = await openSessionRecord(recorded, {
        resume,
        stateDir,
        to,
        serve: () => handover?.forwarding?.serve,
        warn: hooks.warn,
      });
      handover = await createHandoverOf(record);
      return await migrateBy(wires, record, handover);
    } finally {
      await wires.close();
    }
  };

  /** In doubt, or ours again: nothing in between. */
  const settle = async (error: unknown): Promise<unknown> => {
    const isUnknown = disks.some(({ state }) => state.is === "asked" || state.is === "in-doubt");
    if (isUnknown) for (const disk of disks) disk.become({ do: "doubt" });
    else if (!disks.some(({ state }) => isBound(state))) await handover?.forwarding?.release();
    return record ? record.judge(refusalOf(error, migration)) : error;
  };

  return {
    to,
    disks,
    get id() {
      return record?.migration;
    },
    get statistics() {
      return migration?.statistics();
    },
    get handover() {
      return handover;
    },
    async run() {
      hooks.signal?.addEventListener("abort", cancel, { once: true });
      try {
        if (hooks.signal?.aborted) throw new CommandError("cancelled", "cancelled before it began");
        return await move();
      } catch (error) {
        throw await settle(error);
      } finally {
        hooks.signal?.removeEventListener("abort", cancel);
      }
    },
    cancel,
    setMaxBandwidth(bytesPerSecond) {
      limits.maxBandwidth = bytesPerSecond;
      migration?.setMaxBandwidth(bytesPerSecond);
    },
    setDowntimeLimit(milliseconds) {
      limits.downtimeLimit = milliseconds;
      migration?.setDowntimeLimit(milliseconds);
    },
  };
}

/** What is found out before a disk is sent is a refusal, and no failed migration. */
function refusalOf(error: unknown, migration: Migration | undefined): unknown {
  if (!(error instanceof MigrationError) || error.code !== "refused") return error;
  const { cause } = error;
  const isUnsent = migration?.statistics().disks.every(({ dataBytes, zeroBytes }) => dataBytes + zeroBytes === 0);
  return cause instanceof CommandError && isUnsent ? cause : error;
}
