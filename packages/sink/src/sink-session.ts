import { systemClock } from "@blkmig/device/memory";
import { crc32 as plainCrc32, HAND_OVER, SESSION_VERSION, UNCHECKED_DATA } from "@blkmig/protocol";

import { connectionEndOf, Refused } from "./connection-stop.ts";
import { createLandedPrefix } from "./landed-prefix.ts";
import { missingOf } from "./load-progress.ts";
import { nodeBuiltin } from "./node-builtin.ts";
import { Refusal } from "./refusal.ts";
import { type Caller, createAdmission } from "./session-admission.ts";
import { createSessionBuffers } from "./session-buffers.ts";
import type { ConnectionEnd, SinkSession, SinkSessionOptions } from "./session-contract.ts";
import { converse } from "./session-conversation.ts";
import { createEnding } from "./session-ending.ts";
import type { Migration } from "./session-migration.ts";
import { type Agreed, agreedWith, codeOf, hearHello, openMigration } from "./session-offer.ts";
import { createPeer, type Peer } from "./session-peer.ts";
import { sessionProgressOf, sessionResultOf } from "./session-progress.ts";
import { endOf, type SinkState, type SinkStop } from "./session-state.ts";
import { tellHints } from "./session-target.ts";

/** Bytes that a source may have under way without an acknowledgement. */
const WINDOW = 64 * 1024 * 1024;
const PROGRESS_MS = 100;
const NOTHING_YET: SinkState = { is: "open", attempt: 0 };

/** Receives one migration over as many connections as it takes, and commits it when its source asks. */
export function createSinkSession(options: SinkSessionOptions): SinkSession {
  const { clock = systemClock, signal, limits, onEvent = () => {} } = options;
  const { crc32 = nodeBuiltin("node:zlib")?.crc32 ?? plainCrc32 } = options;
  const ready = options.ready ?? (async () => ({}));
  const sink = crypto.randomUUID();
  const callers = new Set<Peer>();
  let stopping: { readonly why: SinkStop; readonly refusal: Refusal } | undefined;
  let isRecognised = false;
  let taken = 0;
  let epoch = 0;
  let transferred = 0;
  let checksums = true;
  let toldAt = -Infinity;

  const admission = createAdmission({
    open(offer) {
      onEvent({ type: "offered", offer });
      return openMigration(offer, async (offered) => options.open(offered));
    },
    isOver: () => stopping !== undefined || ending.isOver,
    onRefusal(refusal) {
      stopping ??= { why: "failed", refusal };
    },
  });
  const ending = createEnding({
    resultOf: (of, told) => sessionResultOf(of, { transferred, checksums, told }),
    isRecognised: () => isRecognised,
    onFailed: (error) => onEvent({ type: "failed", error }),
  });
  const state = (): SinkState => admission.migration?.state ?? NOTHING_YET;
  const progress = () => sessionProgressOf(admission.migration, transferred);

  const tellProgress = (): void => {
    if (clock.now() - toldAt < PROGRESS_MS) return;
    toldAt = clock.now();
    onEvent({ type: "progress", progress: progress() });
  };

  const onBytes = (bytes: number): void => {
    transferred += bytes;
  };

  const welcome = async ({ peer }: Caller, { targets }: Migration, agreed: Agreed): Promise<void> => {
    epoch++;
    const checked = !agreed.features.includes(UNCHECKED_DATA);
    checksums &&= checked;
    peer.expect({ frameBytes: agreed.frameBytes, checksums: checked });
    const { is, attempt } = state();
    const held = tellHints(targets);
    const ours = { version: SESSION_VERSION, sink, epoch, window: WINDOW };
    await peer.say({ say: "welcome", ...ours, ...agreed, state: is, attempt, held });
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
    const { migration } = admission;
    if (how === "committed") await ending.conclude(migration, { told: why === "failed" }); // it failed at DONE, if at all
    else await ending.conclude(migration, how === "in-doubt" ? inDoubt(refusal) : refusal);
    return true;
  };

  const inDoubt = (cause: Refusal): Refusal => {
    const what = `all of migration '${admission.migration!.offer.migration}' is here (attempt ${state().attempt})`;
    return new Refusal("in-doubt", `${what}, and only its source knows whether it commits: ${cause.message}`, {
      cause,
    });
  };

  const stopBy = async (why: SinkStop, refusal: Refusal): Promise<void> => {
    if (endOf(state(), why) === "not-yet") return;
    stopping ??= { why, refusal };
    admission.current?.peer.stop.stop(refusal);
    await admission.settled();
    await endIfStopped();
  };

  /** What a connection's end means for the session. */
  const leave = async (error: unknown, peer: Peer, welcomed: boolean): Promise<ConnectionEnd> => {
    if (error instanceof Refusal) stopping ??= { why: "failed", refusal: error };
    if (!welcomed) await sayNo(error, peer);
    const end = connectionEndOf(error, welcomed);
    if (end.how === "turned-away" && !(error instanceof Refusal)) return end;
    if (await endIfStopped(welcomed ? peer : undefined)) return { how: "over" };
    if (end.how === "over") await ending.conclude(admission.migration, { told: true });
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
    const peer = createPeer({ wire, clock, crc32, onBytes, counts: () => ({ written: landed.written, durable }) });
    const caller: Caller = { number: ++taken, wire, peer, settled };
    callers.add(peer);
    try {
      const hello = await hearHello(peer);
      isRecognised = true;
      const of = await admission.admit(caller, hello);
      welcomed = true;
      const agreed = agreedWith(hello, of);
      await welcome(caller, of, agreed);
      return await converse({
        migration: of,
        peer,
        landed,
        buffers: createSessionBuffers(agreed.frameBytes, limits?.bufferedBytes),
        ready,
        durable(frames) {
          durable = frames;
          peer.outbox.acknowledge();
        },
        now: () => clock.now(),
        handsOver: agreed.features.includes(HAND_OVER),
        onDecided: (type, attempt) => onEvent({ type, attempt }),
      });
    } catch (error) {
      return await leave(error, peer, welcomed);
    } finally {
      peer.end();
      callers.delete(peer);
      admission.leave(caller);
      settle?.();
    }
  };

  const onAbort = (): void => void stopBy("cancelled", new Refusal("cancelled", "cancelled"));
  const letGo = (): void => {
    signal?.removeEventListener("abort", onAbort);
    for (const peer of callers) peer.stop.stop(new Refused("over", "the migration is over here"));
  };
  ending.ended.then(letGo, letGo);
  signal?.addEventListener("abort", onAbort);
  if (signal?.aborted) onAbort();

  return {
    get migration() {
      return admission.migration?.offer.migration;
    },
    get state() {
      return state().is;
    },
    take,
    ended: ending.ended,
    giveUp: async (why) =>
      stopBy("gave-up", new Refusal("incomplete", `${why}${missingOf(admission.migration?.targets ?? [])}`)),
    progress,
  };
}

/** Tells a source why it was not let in, if that is for it to know: not a stranger who speaks no session. */
async function sayNo(error: unknown, peer: Peer): Promise<void> {
  if (error instanceof Refused) await peer.lastWord({ say: "refused", code: error.code, message: error.message });
  if (error instanceof Refusal) await peer.lastWord({ say: "refused", code: codeOf(error), message: error.message });
}
