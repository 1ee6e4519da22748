import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";

import { onTestFinished } from "vitest";

import { createJournal, type Journal } from "./journal.ts";

/** Where something is held: the n-th command of this name that anybody gives, before QEMU gets it or before its answer comes back. */
export interface Place {
  readonly command: string;
  /** Default: 1. */
  readonly nth?: number;
  /** Counted from the first command of this name on. Default: from the beginning. */
  readonly after?: string;
  /** Default: "command". */
  readonly what?: "command" | "answer";
}

export interface Held {
  /** Settles when it has come this far. */
  readonly came: Promise<void>;
  /** Lets it and all that came after it go on; before it has come: it is not held any more. */
  release(): void;
}

/** Stands between QEMU's monitor and whoever speaks to it, one at a time as the monitor does. */
export interface QmpRelay {
  readonly url: string;
  /** The names of all commands that came, in order. */
  readonly commands: Journal<string>;
  hold(place: Place): Held;
  /** Breaks the connection that is; who connects again is passed on again. */
  cut(): void;
  /** The same, and nobody is listened to any more. */
  close(): void;
}

interface Message {
  readonly execute?: string;
  readonly id?: unknown;
  readonly event?: string;
}

interface Hold {
  /** `index`: of the command, among all. */
  readonly matches: (what: Place["what"], index: number) => boolean;
  readonly came: () => void;
  readonly released: Promise<void>;
}

/** It is closed when the test is over. */
export async function startQmpRelay(monitor: string, socket: string): Promise<QmpRelay> {
  const commands = createJournal<string>();
  const holds = new Set<Hold>();
  const links = new Set<Socket>();

  const pause = async (what: Place["what"], index: number): Promise<void> => {
    for (const hold of holds) {
      if (!hold.matches(what, index)) continue;
      hold.came();
      await hold.released;
    }
  };
  const server = createServer((client) => {
    const qemu = connect(monitor);
    links.add(client);
    const asked = new Map<unknown, number>();
    passLines(client, qemu, async ({ execute = "", id }) => {
      const index = commands.entries.length;
      commands.write(execute);
      asked.set(id, index);
      await pause("command", index);
    });
    passLines(qemu, client, async ({ event, id }) => {
      const index = event === undefined ? asked.get(id) : undefined;
      if (index !== undefined) await pause("answer", index);
    });
    client.on("close", () => {
      links.delete(client);
      qemu.destroy();
    });
    qemu.on("close", () => client.destroy());
  });
  await once(server.listen(socket), "listening");

  const placeOf = ({ command, nth = 1, after }: Place): number => {
    const first = after === undefined ? 0 : commands.entries.indexOf(after);
    const places = [...commands.entries.keys()].filter((at) => at >= first && commands.entries[at] === command);
    return first < 0 ? -1 : (places[nth - 1] ?? -1);
  };
  const hold = (place: Place): Held => {
    const { what = "command" } = place;
    let [arrive, end] = [(): void => undefined, (): void => undefined];
    const came = new Promise<void>((resolve) => (arrive = resolve));
    const released = new Promise<void>((resolve) => (end = resolve));
    const matches: Hold["matches"] = (at, index) => at === what && index === placeOf(place);
    const held: Hold = { matches, came: () => arrive(), released };
    holds.add(held);
    const release = (): void => {
      holds.delete(held);
      end();
    };
    return { came, release };
  };
  const cut = (): void => {
    for (const link of links) link.destroy();
  };
  const close = (): void => {
    server.close();
    cut();
  };
  onTestFinished(close);
  return { url: `unix://${socket}`, commands, hold, cut, close };
}

/** One after the other, so that what is behind a held one waits too. */
function passLines(from: Socket, to: Socket, look: (message: Message) => Promise<void>): void {
  const pass = async (line: string): Promise<void> => {
    const message = parse(line);
    if (message) await look(message);
    if (!to.destroyed) to.write(`${line}\n`);
  };
  let turn = Promise.resolve();
  const lines = createInterface({ input: from });
  lines.on("line", (line) => {
    turn = turn.then(async () => pass(line));
  });
  // Broken on purpose, mostly; the other half learns it by its close.
  for (const each of [from, lines]) each.on("error", () => undefined);
}

/** Undefined for what somebody who was killed had begun to say. */
function parse(line: string): Message | undefined {
  try {
    return JSON.parse(line) as Message;
  } catch {
    return undefined;
  }
}
