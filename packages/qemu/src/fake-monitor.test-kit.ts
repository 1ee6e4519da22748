import { rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";

import type { QmpAddress } from "./qmp-contract.ts";

/** Gives what the command returns (undefined is `{}`), or throws `{ class, desc }`: a `FakeRefusal` is one. */
export type FakeHandler = (args: Readonly<Record<string, unknown>>) => unknown;

export interface FakeMonitorOptions {
  /** Of a unix socket that does not exist yet. */
  readonly path: string;
  /** By command. Read anew at each command, so a test may exchange them; a command without one is `CommandNotFound`. */
  readonly handlers: Record<string, FakeHandler>;
  /** `major.minor.micro`; default 10.0.2. */
  readonly version?: string;
}

/** A QEMU's monitor whose answers a test has written. Like QEMU's, it serves one client after the other. */
export interface FakeMonitor {
  readonly address: QmpAddress;
  /** All commands that came, `qmp_capabilities` left out. */
  readonly calls: readonly { readonly command: string; readonly args: Readonly<Record<string, unknown>> }[];
  /** Sends an event to the client that is there. */
  emit(event: string, data?: Readonly<Record<string, unknown>>): void;
  /** Hangs up on the client that is there, as a QEMU that dies does; the next one is served. */
  cut(): void;
  close(): Promise<void>;
}

/** QEMU's no. */
export class FakeRefusal extends Error {
  readonly class: string;
  readonly desc: string;

  constructor(desc: string, className = "GenericError") {
    super(desc);
    this.desc = desc;
    this.class = className;
  }
}

interface Asked {
  readonly execute: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly id?: unknown;
}

/** Listens, and answers whoever comes. */
export async function startFakeMonitor(options: FakeMonitorOptions): Promise<FakeMonitor> {
  const { path, handlers, version = "10.0.2" } = options;
  const calls: { command: string; args: Readonly<Record<string, unknown>> }[] = [];
  const waiting: Socket[] = [];
  let client: Socket | undefined;

  const say = (socket: Socket, message: object): void => {
    if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\r\n`);
  };
  const serve = (socket: Socket | undefined): void => {
    client = socket;
    if (!socket) return;
    const [major, minor, micro] = version.split(".").map(Number);
    say(socket, { QMP: { version: { qemu: { major, minor, micro }, package: "" }, capabilities: ["oob"] } });
    let isReady = false;
    const lines = createInterface({ input: socket });
    lines.on("error", () => undefined);
    lines.on("line", (line) => {
      const { execute: command, arguments: args = {}, id } = JSON.parse(line) as Asked;
      if (command === "qmp_capabilities") {
        isReady = true;
        return say(socket, { return: {}, id });
      }
      calls.push({ command, args });
      const handler = isReady ? handlers[command] : undefined;
      void answer(command, args, handler).then((reply) => say(socket, { ...reply, id }));
    });
  };
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("close", () => {
      if (socket === client) serve(waiting.shift());
      else if (waiting.includes(socket)) waiting.splice(waiting.indexOf(socket), 1);
    });
    if (client) waiting.push(socket);
    else serve(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });

  return {
    address: { kind: "unix", path },
    calls,
    emit(event, data = {}) {
      const timestamp = { seconds: 1_700_000_000, microseconds: 250_000 };
      if (client) say(client, { timestamp, event, data });
    },
    cut: () => void client?.destroy(),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of [...waiting.splice(0), client]) socket?.destroy();
      await closed;
      rmSync(path, { force: true });
    },
  };
}

async function answer(
  command: string,
  args: Readonly<Record<string, unknown>>,
  handler: FakeHandler | undefined,
): Promise<object> {
  if (!handler) {
    return { error: { class: "CommandNotFound", desc: `The command ${command} has not been found` } };
  }
  try {
    return { return: (await handler(args)) ?? {} };
  } catch (error) {
    const { class: className, desc } = error as Partial<FakeRefusal>;
    if (className !== undefined && desc !== undefined) return { error: { class: className, desc } };
    return { error: { class: "GenericError", desc: String(error) } };
  }
}
