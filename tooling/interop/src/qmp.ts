import type { Socket } from "node:net";
import { createInterface } from "node:readline";

import { createJournal } from "./journal.ts";

interface QmpEvent {
  readonly event: string;
  /** By QEMU's host. */
  readonly timestamp: { readonly seconds: number; readonly microseconds: number };
  readonly data?: Readonly<Record<string, unknown>>;
}

/** QEMU's monitor protocol: JSON, one value a line. */
export interface Qmp {
  /** What QEMU returns for this command. Throws QEMU's own sentence if it refuses, or if QEMU goes away first. */
  execute<T = unknown>(command: string, parameters?: Readonly<Record<string, unknown>>): Promise<T>;
  /** All events that came. */
  readonly events: readonly QmpEvent[];
  /** The first event with this name, or that is so, seen already or to come. Throws if QEMU goes away without one. */
  until(event: string | ((event: QmpEvent) => boolean)): Promise<QmpEvent>;
  /** Lets go of the monitor; QEMU goes on. */
  close(): Promise<void>;
}

interface Reply {
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
}

type Message = Reply & Partial<QmpEvent>;

/** Speaks to the QEMU that has connected; settles when it has greeted and takes commands. */
export async function speakQmp(socket: Socket): Promise<Qmp> {
  const events = createJournal<QmpEvent>();
  const replies = createJournal<Message>();
  const lines = createInterface({ input: socket });
  let commands = 0;

  lines.on("line", (line) => {
    const message = JSON.parse(line) as Message;
    if (message.event === undefined) replies.write(message);
    else events.write(message as QmpEvent);
  });
  const over = new Promise<void>((resolve) => {
    socket.once("close", () => {
      const reason = new Error("QEMU's monitor has closed");
      replies.end(reason);
      events.end(reason);
      resolve();
    });
  });
  // A QEMU that is killed resets the connection; "close" comes after it and says the same. (The lines pass it on.)
  lines.on("error", () => undefined);

  const execute = async <T>(command: string, parameters = {}): Promise<T> => {
    const id = ++commands;
    socket.write(`${JSON.stringify({ execute: command, arguments: parameters, id })}\n`);
    const { error, return: value } = await replies.until((reply) => reply.id === id);
    if (error) throw new Error(`${command}: ${error.desc}`);
    return value as T;
  };
  const until = (event: string | ((event: QmpEvent) => boolean)): Promise<QmpEvent> =>
    events.until(typeof event === "string" ? (seen) => seen.event === event : event);
  const close = async (): Promise<void> => {
    socket.destroy();
    await over;
  };

  await replies.until((message) => "QMP" in message);
  await execute("qmp_capabilities");
  return { execute, events: events.entries, until, close };
}
