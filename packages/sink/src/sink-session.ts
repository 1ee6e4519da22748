import { randomUUID } from "node:crypto";

import { FRAME_BYTES, SESSION_VERSION } from "@blkmig/protocol";

import { connectionEndOf, ConnectionStop, turnAway } from "./connection-stop.ts";
import { createLandedPrefix } from "./landed-prefix.ts";
import type { SinkWire } from "./load-options.ts";
import { missingOf } from "./load-progress.ts";
import { Refusal } from "./refusal.ts";
import { createSessionBuffers } from "./session-buffers.ts";
import type { ConnectionEnd, SinkSession, SinkSessionOptions } from "./session-contract.ts";
import { converse } from "./session-conversation.ts";
import { createEnding } from "./session-ending.ts";
import type { Migration } from "./session-migration.ts";
import { codeOf, hearHello, type Hello, isSameOffer, offerOf, openMigration, refuse } from "./session-offer.ts";
import { createPeer, type Peer } from "./session-peer.ts";
import { sessionProgressOf, sessionResultOf } from "./session-progress.ts";
import { endOf, type SinkState, type SinkStop } from "./session-state.ts";
import { tellHints } from "./session-target.ts";
import { wallClock } from "./wall-clock.ts";

/** Bytes that a source may have under way without an acknowledgement. */
const WINDOW = 64 * 1024 * 1024;
const PROGRESS_MS = 100;
const NOTHING_YET: SinkState = { is: "open", attempt: 0 };

/** One connection that is let in, or asks to be. */
interface Caller {
  /** In the order of `take()`: the newest wins. */
  readonly number: number;
  readonly wire: SinkWire & { destroy?(reason?: Error): void };
  readonly peer: Peer;
  /** Nothing is being written for it any more. */
  readonly settled: Promise<void>;
}

/** Receives one migration over as many connections as it takes, and commits it when its source asks. */
export function createSinkSession(options: SinkSessionOptions): SinkSession {
  const { clock = wallClock, signal, limits, onEvent = () => {} } = options;
  const ready = options.ready ?? (async () => ({}));
  const sink = randomUUID();
  const callers = new Set<Peer>();
  let migration: Migration | undefined;
  let source: string | undefined;
  let current: Caller | undefined;
  let stopping: { readonly why: SinkStop; readonly refusal: Refusal } | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let taken = 0;
  let newest = 0;
  let epoch = 0;
  let transferred = 0;
  let toldAt = -Infinity;

  const ending = createEnding({
    resultOf: (of, told) => sessionResultOf(of, transferred, told),
    isRecognised: () => migration !== undefined,
    onFailed: (error) => onEvent({ type: "failed", error }),
  });
  const state = (): SinkState => migration?.state ?? NOTHING_YET;
  const progress = () => sessionProgressOf(migration, transferred);

  const tellProgress = (): void => {
    if (clock.now() - toldAt < PROGRESS_MS) return;
    toldAt = clock.now();
    onEvent({ type: "progress", progress: progress() });
  };

  const onBytes = (bytes: number): void => {
    transferred += bytes;
  };

  /** Who asks to be let in is judged one after the other. */
  const inTurn = async <T>(act: () => Promise<T>): Promise<T> => {
    const result = turn.then(act);
    turn = result.catch(() => {});
    return result;
  };

  const open = async (peer: Peer, hello: Hello): Promise<Migration> => {
    const offer = offerOf(hello);
    onEvent({ type: "offered", offer });
    try {
      return await openMigration(offer, async (offered) => options.open(offered));
    } catch (error) {
      const refusal = error as Refusal; // openMigration() throws nothing else
      stopping ??= { why: "failed", refusal };
      await peer.lastWord({ say: "refused", code: codeOf(refusal), message: refusal.message });
      throw new ConnectionStop({ how: "over" });
    }
  };

  /** Lets nobody speak but the newest: an older connection is read no more, and what it began has settled. */
  const fence = async (): Promise<void> => {
    if (!current) return;
    const why = new ConnectionStop({ how: "cut", why: "a newer connection took its place" });
    current.peer.stop.stop(why);
    current.wire.destroy?.(why);
    await current.settled;
  };

  const admit = async (caller: Caller, hello: Hello): Promise<Migration> => {
    const { peer } = caller;
    const over = "the migration is over here";
    if (stopping || ending.isOver) return refuse(peer, "over", over);
    migration ??= await open(peer, hello);
    if (!isSameOffer(migration.offer, offerOf(hello)))
      return refuse(peer, "busy", "another migration is under way here");
    if (caller.number < newest) throw turnAway("superseded", "a newer connection was faster");
    await fence();
    if (stopping || ending.isOver) return refuse(peer, "over", over);
    newest = caller.number;
    current = caller;
    if (source !== undefined && source !== hello.source) migration.distrust();
    source = hello.source;
    return migration;
  };

  const welcome = async ({ peer }: Caller, { targets }: Migration, frameBytes: number): Promise<void> => {
    epoch++;
    peer.setFrameBytes(frameBytes);
    const { is, attempt } = state();
    const held = tellHints(targets);
    const agreed = { version: SESSION_VERSION, features: [], sink, epoch, frameBytes, window: WINDOW };
    await peer.say({ say: "welcome", ...agreed, state: is, attempt, held });
    onEvent({ type: "connected", epoch });
  };

  /** Ends the session if it was stopped; whether it is over. Nothing is being written when this is called. */
  const endIfStopped = async (peer?: Peer): Promise<boolean> => {
    if (!stopping) return ending.isOver;
    const { why, refusal } = stopping;
    const how = endOf(state(), why);
    if (how === "not-yet") {
      stopping = undefined;
      return false;
    }
    // In doubt nothing is said: a source that has asked for the commit must not take it for an answer.
    if (how === "as-it-is" && refusal.code !== "cancelled-by-source") {
      await peer?.lastWord({ say: "failed", code: refusal.code, message: refusal.message });
    }
    if (how === "committed") await ending.conclude(migration, { told: why === "failed" }); // it failed at DONE, if at all
    else await ending.conclude(migration, how === "in-doubt" ? inDoubt(refusal) : refusal);
    return true;
  };

  const inDoubt = (cause: Refusal): Refusal => {
    const what = `all of migration '${migration!.offer.migration}' is here (attempt ${state().attempt})`;
    return new Refusal("in-doubt", `${what}, and only its source knows whether it commits: ${cause.message}`, {
      cause,
    });
  };

  const stopBy = async (why: SinkStop, refusal: Refusal): Promise<void> => {
    if (endOf(state(), why) === "not-yet") return;
    stopping ??= { why, refusal };
    current?.peer.stop.stop(refusal);
    await inTurn(async () => {}); // who is being let in is let in or not before this is over
    await current?.settled;
    await endIfStopped();
  };

  /** What a connection's end means for the session. */
  const leave = async (error: unknown, peer: Peer, welcomed: boolean): Promise<ConnectionEnd> => {
    if (error instanceof Refusal) stopping ??= { why: "failed", refusal: error };
    const end = connectionEndOf(error, welcomed);
    if (end.how === "turned-away") return end;
    if (await endIfStopped(welcomed ? peer : undefined)) return { how: "over" };
    if (end.how === "over") await ending.conclude(migration, { told: true });
    else onEvent({ type: "cut", why: end.why });
    return end;
  };

  const take = async (wire: Caller["wire"]): Promise<ConnectionEnd> => {
    let welcomed = false;
    let durable = 0;
    let settle: (() => void) | undefined;
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const landed = createLandedPrefix(() => {
      peer.outbox.acknowledge();
      tellProgress();
    });
    const peer = createPeer({ wire, clock, onBytes, counts: () => ({ written: landed.written, durable }) });
    const caller: Caller = { number: ++taken, wire, peer, settled };
    callers.add(peer);
    try {
      const hello = await hearHello(peer);
      const of = await inTurn(async () => admit(caller, hello));
      welcomed = true;
      const frameBytes = Math.min(hello.frameBytes, FRAME_BYTES);
      await welcome(caller, of, frameBytes);
      return await converse({
        migration: of,
        peer,
        landed,
        buffers: createSessionBuffers(frameBytes, limits?.bufferedBytes),
        ready,
        durable(frames) {
          durable = frames;
          peer.outbox.acknowledge();
        },
        now: () => clock.now(),
        onDecided: (type, attempt) => onEvent({ type, attempt }),
      });
    } catch (error) {
      return await leave(error, peer, welcomed);
    } finally {
      peer.end();
      callers.delete(peer);
      if (current === caller) current = undefined;
      settle?.();
    }
  };

  const onAbort = (): void => void stopBy("cancelled", new Refusal("cancelled", "cancelled"));
  const letGo = (): void => {
    signal?.removeEventListener("abort", onAbort);
    for (const peer of callers) peer.stop.stop(turnAway("over", "the migration is over here"));
  };
  ending.ended.then(letGo, letGo);
  signal?.addEventListener("abort", onAbort);
  if (signal?.aborted) onAbort();

  return {
    get migration() {
      return migration?.offer.migration;
    },
    get state() {
      return state().is;
    },
    take,
    ended: ending.ended,
    giveUp: async (why) => stopBy("gave-up", new Refusal("incomplete", `${why}${missingOf(migration?.targets ?? [])}`)),
    progress,
  };
}
