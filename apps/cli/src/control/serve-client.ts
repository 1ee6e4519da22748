import type { Connection } from "@blkmig/transport";

import { CommandError } from "../command-error.ts";
import { endingOf } from "../exit-code.ts";
import type { Fields } from "../output/json-lines.ts";
import { createStatusLimit } from "../output/status-limit.ts";
import type { Told } from "../send/tell-events.ts";
import type { ControlDesk } from "./control-desk.ts";
import { type ControlRequest, readRequest } from "./control-request.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import { readLines } from "./read-lines.ts";

/** Bytes of a request. */
const LONGEST_REQUEST = 64 * 1024;
/** Requests of one client under way. */
const MOST_UNDER_WAY = 16;

export interface ServeClientOptions {
  readonly desk: ControlDesk;
  readonly ending: AbortSignal;
  /** Asked before each request; who may not is hung up on. */
  readonly mayAsk: () => boolean;
}

/**
 * Answers one client until it has no more to ask, or `ending` aborts; then waits until all that it asked for is answered. What it
 * has begun goes on when it goes away. Never throws.
 */
export async function serveClient(connection: Connection, { desk, ending, mayAsk }: ServeClientOptions): Promise<void> {
  const outbox = createOutbox(connection);
  const underWay = new Map<number, Promise<void>>();
  const part = async (): Promise<void> => {
    await Promise.all(underWay.values());
    await outbox.empty();
    await connection.finish().catch(() => {}); // it may have gone first
    connection.destroy();
  };
  const onEnding = (): void => void part();
  ending.addEventListener("abort", onEnding);
  try {
    for await (const line of readLines(connection, LONGEST_REQUEST)) {
      if (!mayAsk()) break;
      const read = readRequest(line);
      if ("error" in read) outbox.answer(failure(read.id, read.error));
      else take(read.request, { desk, outbox, underWay });
      await outbox.room(); // who asks and does not read is asked for no more
    }
  } catch (error) {
    if (error instanceof CommandError) outbox.answer(failure(null, error)); // otherwise the wire broke
  }
  await part();
  ending.removeEventListener("abort", onEnding);
}

interface Taking {
  readonly desk: ControlDesk;
  readonly outbox: Outbox;
  readonly underWay: Map<number, Promise<void>>;
}

function take(request: ControlRequest, { desk, outbox, underWay }: Taking): void {
  const { id } = request;
  const refuse = (why: string): void => outbox.answer(failure(id, new CommandError("refused", why)));
  if (underWay.has(id)) return refuse(`request ${id} is under way: take another id`);
  if (underWay.size >= MOST_UNDER_WAY) return refuse(`${MOST_UNDER_WAY} requests are under way: wait for an answer`);
  const perform = async (): Promise<void> => {
    try {
      const result = await desk.perform(request, tellOver(outbox, id));
      outbox.answer(JSON.stringify({ id, result }));
    } catch (error) {
      outbox.answer(failure(id, error));
    }
    underWay.delete(id);
  };
  underWay.set(id, perform());
}

/** Tells a client what it would read of a `blkmig send` of its own. */
function tellOver(outbox: Outbox, id: number): Told {
  const mayTell = createStatusLimit(() => performance.now());
  const event = (name: string, fields: Fields): void => {
    outbox.event(JSON.stringify({ id, event: name, ...fields }), { id, isStatus: name === "status" });
  };
  return {
    say: (message) => event("say", { message }),
    warn: (message) => event("warning", { message }),
    event,
    progress({ phase }, status) {
      if (mayTell(phase)) event("status", status);
    },
  };
}

function failure(id: number | null, error: unknown): string {
  const { code, exitCode, message, migration, commands } = endingOf(error);
  return JSON.stringify({ id, error: { code, "exit-code": exitCode, message, migration, resolve: commands } });
}
