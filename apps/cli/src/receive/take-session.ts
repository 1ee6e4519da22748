import {
  createSinkSession,
  LoadError,
  type SinkSession,
  type SinkSessionEvent,
  type SinkSessionResult,
} from "@blkmig/sink";

import { adviseRoom } from "../advise-room.ts";
import { CommandError } from "../command-error.ts";
import { InDoubt } from "../exit-code-in-doubt.ts";
import { aborted } from "../interruption.ts";
import { loadCrc32 } from "../load-crc32.ts";
import { formatTime } from "../output/format-amounts.ts";
import { createRate } from "../output/rate.ts";
import { formatResolveLine } from "../status/resolve-line.ts";
import { describeSessionEnd, sessionCompleted, sessionProgressOf, sessionStatus } from "./describe-session.ts";
import { LIMITS } from "./load-any.ts";
import { openSessionTargets } from "./session-targets.ts";
import { receiveVisits, type SessionVisits } from "./session-visits.ts";
import type { Committed, Taking } from "./taking.ts";
import { createWaiting } from "./waiting.ts";

const now = (): number => performance.now();

/**
 * Takes a session, over as many connections as it takes, to its end, and closes the targets. Gives false, with the targets as
 * they were, if nobody offered anything. Throws `LoadError`, and `InDoubt`.
 */
export async function takeSession(taking: Taking): Promise<boolean> {
  const { wire, targets, guard, options, world, again, serving } = taking;
  const { output, signal } = world;
  if (!wire.send) {
    await targets.close("untouched");
    throw new CommandError(
      "refused",
      `${wire.peer}: a session needs answers, and nobody reads them there: have it sent by --wire 1.1, which needs none`,
    );
  }
  const begun = now();
  const rate = createRate(now);
  const over = new AbortController();
  const patience = formatTime(options.reconnectFor);
  let visits: SessionVisits | undefined;

  const onCut = (why: string): void => {
    if (again.by === "nothing" || signal.aborted) return void session.giveUp(why);
    output.event("reconnect", { migration: session.migration, why, within: options.reconnectFor });
    output.say(`the connection broke (${why}); the sender may come back within ${patience}`);
    waiting.begin();
  };

  const onEvent = (event: SinkSessionEvent): void => {
    if (event.type === "connected") waiting.end();
    if (event.type === "connected" && event.epoch > 1) output.say("the sender is back");
    if (event.type === "cut") onCut(event.why);
    if (session.state === "committed") serving?.open(); // the sender's clients wait
    if (event.type === "offered" || event.type === "failed") return;
    const speed = rate(session.progress().covered);
    output.progress(sessionProgressOf(session, speed), sessionStatus(session, speed));
  };

  const crc32 = await loadCrc32();
  const session = createSinkSession({
    open: async (offer) => {
      const opened = await openSessionTargets(offer, { targets, guard, options, from: wire.peer, output });
      await serving?.bind(offer);
      return opened;
    },
    ...(serving ? { ready: async () => (serving.url === undefined ? {} : { serve: serving.url }) } : {}),
    limits: LIMITS,
    crc32,
    signal,
    onEvent,
  });
  const waiting = createWaiting(options.reconnectFor, () => {
    void session.giveUp(`the sender did not come back within ${patience}`);
  });
  // Committed, it cannot be cancelled; but nobody waits for a sender that is gone.
  void aborted(signal, over.signal).then(() => (visits?.anybody ? undefined : session.giveUp("interrupted")));

  try {
    visits = receiveVisits(wire, {
      session,
      again,
      over: over.signal,
      onTurnedAway: (peer, why) => output.warn(`dropped ${peer}: ${why}`, why),
    });
    const result = await Promise.race([session.ended, visits.nobody]);
    if (!result) return await nobodyOffered(taking, over, session);
    guard.finished(result.migration);
    await finish(taking, { over, visits, committed: result });
    tell(taking, result, now() - begun);
    return true;
  } catch (error) {
    await finish(taking, { over, visits });
    throw error instanceof LoadError ? explained(error, taking, session.migration) : error;
  } finally {
    waiting.end();
  }
}

async function nobodyOffered(
  { wire, again, onAnswered }: Taking,
  over: AbortController,
  session: SinkSession,
): Promise<false> {
  const why = `${wire.peer}: it began a session and named no disks`;
  over.abort();
  await session.giveUp(why);
  if (again.by !== "door") throw new CommandError("not-a-stream", why);
  onAnswered();
  return false;
}

interface Finished {
  readonly over: AbortController;
  readonly visits: SessionVisits | undefined;
  readonly committed?: Committed;
}

/** Others may come; whoever is still here has its last word. */
async function finish({ targets, onAnswered }: Taking, { over, visits, committed }: Finished): Promise<void> {
  over.abort();
  onAnswered(committed);
  await Promise.all([visits?.gone(), targets.close("untouched")]); // the session has closed them if it opened them
}

function tell({ world: { output } }: Taking, result: SinkSessionResult, totalTime: number): void {
  output.endProgress();
  if (!result.told) {
    output.warn("everything is here and committed, but the sender may not know: it will say that it is in doubt");
  }
  for (const line of describeSessionEnd(result, totalTime)) output.say(line);
  output.event("completed", sessionCompleted(result, totalTime));
}

function explained(error: LoadError, taking: Taking, migration: string | undefined): Error {
  const { code, message, touched, recognised, cause } = error;
  if (code === "in-doubt") return inDoubt(taking, migration!, error);
  if (code !== "incomplete" || !touched) return error;
  return new LoadError(code, `${message}; --resume goes on with it`, { touched, recognised }, { cause });
}

/** One record decides for all disks; a first block that is withheld is each disk's own. */
function inDoubt({ targets, options }: Taking, migration: string, error: LoadError): InDoubt {
  const disks = [...targets.open.values()].filter(({ place }, at) => at === 0 || !place.beside);
  const { stateDir } = options.stateDir;
  const line = (verdict: "commit" | "abort") => (path: string) =>
    formatResolveLine({ role: "target", path, verdict, migration, stateDir });
  const paths = disks.map(({ disk }) => disk.path);
  const commands = [...paths.map(line("commit")), ...paths.slice(0, 1).map(line("abort"))];
  const findOut = "; to find out, start both ends again with --resume";
  return new InDoubt(migration, commands, `${error.message}${adviseRoom(error) || findOut}`);
}
