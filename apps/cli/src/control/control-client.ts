import type { Connection } from "@blkmig/transport";
import { connectUnix } from "@blkmig/transport/tcp";

import { CommandError, messageOf } from "../command-error.ts";
import type { Fields } from "../output/json-lines.ts";
import { type ControlAnswer, readAnswer } from "./control-answer.ts";
import { readLines } from "./read-lines.ts";

type LastAnswer = Exclude<ControlAnswer, { readonly type: "event" }>;

/** What is told of a request before it is answered. */
export type OnControlEvent = (event: string, fields: Fields) => void;

/** Asks a running `blkmig serve`. */
export interface ControlClient {
  /** Throws `ServerGone` when the connection ends before the answer. */
  ask(request: Fields & { readonly do: string }, onEvent?: OnControlEvent): Promise<LastAnswer>;
  close(): void;
}

/** The server hung up before it answered. */
export class ServerGone extends Error {
  override readonly name = "ServerGone";
}

/** Bytes of an answer: a status has a line for each disk and each client. */
const LONGEST_ANSWER = 16 * 1024 * 1024;

interface Waiting {
  readonly onEvent: OnControlEvent | undefined;
  readonly resolve: (answer: LastAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** Throws `TransportError` `connect`. */
export async function openControl(path: string): Promise<ControlClient> {
  const connection = await connectUnix({ path, reading: "stream" });
  const waiting = new Map<number, Waiting>();
  let gone: Error | undefined;
  let lastId = 0;

  const hear = (line: string): void => {
    const heard = readAnswer(line);
    if (!heard) throw new Error("what it says is no answer");
    const asked = heard.id === null ? undefined : waiting.get(heard.id);
    if (!asked) return;
    const { answer } = heard;
    if (answer.type === "event") return asked.onEvent?.(answer.event, answer.fields);
    waiting.delete(heard.id!);
    asked.resolve(answer);
  };
  void hearAll(connection, hear).then((why) => {
    gone = new ServerGone(`unix://${path}: ${why}`);
    for (const { reject } of waiting.values()) reject(gone);
    waiting.clear();
    connection.destroy();
  });

  return {
    ask(request, onEvent) {
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        if (gone) return reject(gone);
        waiting.set(id, { onEvent, resolve, reject });
        const line = `${JSON.stringify({ id, ...request })}\n`;
        connection.send([new TextEncoder().encode(line)]).catch(() => {}); // reading says why
      });
    },
    close: () => connection.destroy(),
  };
}

/** Gives why it was over. */
async function hearAll(connection: Connection, hear: (line: string) => void): Promise<string> {
  try {
    for await (const line of readLines(connection, LONGEST_ANSWER)) hear(line);
    return "it hung up";
  } catch (error) {
    return messageOf(error);
  }
}

/** Asks for one thing. Throws `TransportError` `connect`, and `CommandError` `refused` if there was no answer. */
export async function askServer(control: string, request: Fields & { readonly do: string }): Promise<LastAnswer> {
  const client = await openControl(control);
  try {
    return await client.ask(request);
  } catch (cause) {
    throw new CommandError("refused", `${messageOf(cause)} before it answered`, { cause });
  } finally {
    client.close();
  }
}
