import { randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";

import { FRAME_BYTES } from "@blkmig/protocol";

import { type CommitParts, commitSession, inDoubt, record, rememberMoved, settleOutcome } from "./commit-session.ts";
import type { Conversation } from "./conversation.ts";
import { Cut } from "./cut.ts";
import type { SourceDisk } from "./migration-options.ts";
import { createOverruns, Overrun } from "./overrun.ts";
import { createReconnector } from "./reconnect.ts";
import { createFlushes } from "./session-flushes.ts";
import { assertWelcome, helloOf } from "./session-greeting.ts";
import { encodeOpening, type Hello, openSessionLink, type SessionLink } from "./session-link.ts";
import { assertSessionOptions, DEFAULT_GRANULARITY } from "./session-options.ts";
import { createSessionOutlet, type SessionOutlet } from "./session-outlet.ts";
import type { MigrationSource } from "./source-contract.ts";
import { messageOf, Stop } from "./stop.ts";
import { unlessAborted } from "./unless-aborted.ts";

const DEFAULT_RECONNECT_MS = 5 * 60 * 1000;
/** Round trips of a pause: the last acknowledgement, SEAL, COMMIT. */
const ROUND_TRIPS = 3;

export interface SessionParts extends Pick<
  CommitParts,
  "session" | "clock" | "custody" | "signal" | "confirm" | "downtimeLimit" | "warn" | "onDecided"
> {
  /** What becomes of a pause that takes longer than the limit; undefined where the guest cannot go on, or there is none. */
  readonly overrun: "resume" | "finish" | undefined;
  readonly incremental: boolean;
  /** Told of every try to connect again, and of its success. */
  readonly onReconnect: (why: string, waitMs: number | undefined) => void;
}

export interface SessionConversation extends Conversation {
  readonly migration: string;
  /** Where the sink serves the disks once it has committed, if it does. */
  readonly serve: string | undefined;
  readonly outlet: SessionOutlet | undefined;
}

/** A session: acknowledged, committed step by step, over as many connections as it takes. */
export function createSessionConversation(parts: SessionParts): SessionConversation {
  const { session, clock, custody, warn } = parts;
  assertSessionOptions(session);
  const migration = session.migration ?? randomUUID();
  const run = randomUUID();
  const granularity = session.granularity ?? DEFAULT_GRANULARITY;
  const frameBytes = session.frameBytes ?? FRAME_BYTES;
  const again = createReconnector<SessionLink>({
    clock,
    within: session.reconnectFor ?? DEFAULT_RECONNECT_MS,
    onFailure: (error, wait) => parts.onReconnect(messageOf(error), wait),
  });
  let disks: readonly SourceDisk[] = [];
  let source: MigrationSource | undefined;
  let outlet: SessionOutlet | undefined;
  let link: SessionLink | undefined;
  let progress = 0;
  let sinkRun: string | undefined;
  let attempt = session.resume?.attempt ?? 0;
  const flushes = createFlushes();
  const overruns = createOverruns(parts.overrun, warn);
  let serve: string | undefined;
  let isHandedOver = false;

  const recordBegin = (): Promise<void> => record(session.journal?.begin(migration), "that the migration begins");

  const forget = async (): Promise<void> => {
    const { journal } = session;
    await (journal?.forget ? journal.forget() : journal?.kept());
  };

  const linkOfNow = (): SessionLink => {
    if (!link) throw new Error("a session that is not open");
    return link;
  };

  const hello = (): Hello =>
    helloOf(session, {
      migration,
      run,
      disks,
      granularity,
      frameBytes,
      resume: session.resume !== undefined || sinkRun !== undefined,
      incremental: parts.incremental,
    });

  const connect = async (signal: AbortSignal): Promise<SessionLink> => {
    const said = hello();
    const wire = await session.connect(signal, encodeOpening(said));
    return openSessionLink({ wire, hello: said, clock, crc32: session.crc32 ?? crc32, signal });
  };

  const connectAgain = async (why: string, signal: AbortSignal): Promise<SessionLink> => {
    const broken = { why, progress: progress + (link?.progress ?? 0), owed: link?.owed ?? 0 };
    const next = await again
      .connect(() => connect(signal), broken, signal)
      .catch((failure: unknown) => {
        if (failure instanceof Stop) throw failure;
        throw new Stop("wire", `the wire broke (${why}), and no other came about: ${messageOf(failure)}`);
      });
    if (link) outlet?.count(link);
    progress = broken.progress;
    link = next;
    flushes.begin();
    parts.onReconnect(why, undefined);
    return link;
  };

  /** What the sink has forgotten, or another program has made of its targets meanwhile, is not believed. */
  const meetSink = async (met: SessionLink): Promise<void> => {
    const { welcome } = met;
    assertWelcome(welcome, { handOver: session.handOver === true, granularity });
    if (welcome.sink !== sinkRun) source?.doubt(welcome.held.map((runs) => runs.map(toRun)));
    sinkRun = welcome.sink;
    attempt = Math.max(attempt, welcome.attempt);
    if (welcome.state === "sealed")
      await met.request({ say: "abort", attempt: welcome.attempt }, "aborted", custody.ending);
  };

  const prepare = async (): Promise<void> => {
    attempt++;
    ({ serve } = await linkOfNow().request({ say: "prepare", attempt }, "ready", custody.ending));
    if (!session.ready) return;
    try {
      await unlessAborted(session.ready(serve), custody.ending);
    } catch (cause) {
      if (cause instanceof Stop) throw cause;
      throw new Stop("refused", messageOf(cause), { cause });
    }
  };

  const commitParts = (): CommitParts => ({
    ...parts,
    attempt,
    source: source!,
    link: linkOfNow,
    connectAgain,
    overruns,
    onHandOver: () => {
      isHandedOver = true;
    },
    sinkRun: () => sinkRun,
  });

  return {
    migration,
    get serve() {
      return serve;
    },
    get outlet() {
      return outlet;
    },
    async open(chosen) {
      disks = chosen;
      if (disks.length === 0) throw new Stop("device", "no disk is left to move");
      const { asked } = session.resume ?? {};
      // Before the sink hears of it: whoever is killed after that must know which migration the sink waits for.
      if (asked === undefined) await recordBegin();
      link = await connect(asked === undefined ? custody.ending : (parts.signal ?? NEVER)).catch(
        async (error: unknown) => {
          if (asked !== undefined) throw inDoubt(error, parts.signal); // whatever a receiver says that is not its outcome
          // It may have been heard, and be taken up again: at once by whoever resumes, for he knows his receiver.
          if (error instanceof Cut && session.resume) return connectAgain(error.message, custody.ending);
          if (error instanceof Cut) throw error.toStop();
          await forget().catch((cause: unknown) => warn(messageOf(cause)));
          throw error;
        },
      );
      if (asked !== undefined) {
        const outcome = await settleOutcome({ ...parts, sinkRun: () => sinkRun }, link, asked, "restarted");
        if (outcome === "committed") await rememberMoved(parts, link, asked);
        if (outcome === "committed") return outcome;
        if (session.handOver)
          throw new Stop("wire", "the receiver had not committed, and will not: its targets were handed over");
        await recordBegin();
      }
      outlet = createSessionOutlet({
        unit: granularity,
        frameBytes,
        link: linkOfNow,
        onTurn: () => flushes.onTurn(linkOfNow()),
        onPass: () => flushes.onPass(linkOfNow()),
      });
      return outlet;
    },
    async begin(begun) {
      source = begun;
      try {
        await meetSink(linkOfNow());
      } catch (error) {
        if (!(error instanceof Cut)) throw error;
        await this.mend(error);
      }
    },
    toVerify(pending) {
      if (!session.verify || !source) return 0;
      const total = disks.reduce((sum, { device }) => sum + device.size, 0);
      return Math.max(0, total - source.figures.verified - pending);
    },
    get overhead() {
      return flushes.lastMs + ROUND_TRIPS * (link?.roundTrip ?? 0);
    },
    claimMore: () => session.verify === true && source !== undefined && source.claimUnverified() > 0,
    prepare,
    async commit() {
      const committed = await commitSession(commitParts());
      serve = committed.serve ?? serve;
      return true;
    },
    async mend(error) {
      if (isHandedOver) throw error; // who has the targets now may have written them
      if (error instanceof Overrun) {
        overruns.count(error);
        await source?.mend();
        try {
          // The sink may have sealed what is given up: it must take data again. The guest need not wait for that.
          await linkOfNow().request({ say: "abort", attempt }, "aborted", custody.ending);
        } catch (failure) {
          return this.mend(failure);
        }
        return;
      }
      if (!(error instanceof Cut)) throw error;
      await source?.mend();
      const alive = link && !link.ended.aborted;
      const met = alive ? linkOfNow() : await connectAgain(error.message, custody.ending);
      try {
        await meetSink(met);
      } catch (failure) {
        if (failure instanceof Cut) return this.mend(failure);
        throw failure;
      }
    },
    explain: async (stop) => stop,
    interrupt() {}, // whatever waits here waits for `custody.ending` too
    async leave(why) {
      const now = link;
      if (!now || now.ended.aborted) return;
      if (custody.asked) return now.end(why);
      if (isHandedOver) void now.say({ say: "abort", attempt }).catch(() => {}); // bounded by what is said after it
      await now.part({ say: "cancel", message: why.message.slice(0, 200) }, why);
    },
  };
}

const NEVER: AbortSignal = new AbortController().signal;

const toRun = ([offset, length]: readonly [number, number]) => ({ offset, length });
