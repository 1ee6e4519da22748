import { connectUnix } from "@blkmig/transport/tcp";
import { onTestFinished } from "vitest";

import type { Output } from "../output/output.ts";
import { temporaryFolder } from "../run-blkmig.test-kit.ts";
import { createControlDesk } from "./control-desk.ts";
import { listenControl, serveControl } from "./control-server.ts";
import { createFakeLiveServer, type FakeLiveServer } from "./fake-live-server.test-kit.ts";
import { readLines } from "./read-lines.ts";

export type Line = Readonly<Record<string, unknown>>;

/** A control socket before a fake live server. */
export interface ControlSocket {
  readonly path: string;
  readonly live: FakeLiveServer;
  /** What the server told its own reader: events by their names. */
  readonly events: readonly string[];
  /** What systemd was told. */
  readonly statuses: readonly string[];
  /** Why clients were hung up on. */
  readonly dropped: readonly string[];
  /** As `blkmig serve` begins to end. */
  beginToEnd(): void;
  dial(): Promise<RawClient>;
  /** As `blkmig serve` ends. */
  close(): Promise<void>;
}

/** A client that speaks for itself. */
export interface RawClient {
  /** Bytes as they are. */
  write(text: string | Uint8Array): Promise<void>;
  ask(...requests: readonly Line[]): Promise<void>;
  /** The next line; undefined when the server has hung up. */
  next(): Promise<Line | undefined>;
  finish(): Promise<void>;
  hangUp(): void;
}

export async function openControlSocket(silentMs?: number): Promise<ControlSocket> {
  const path = temporaryFolder()("control");
  const live = createFakeLiveServer();
  const [events, statuses, dropped]: [string[], string[], string[]] = [[], [], []];
  const desk = createControlDesk({
    live,
    control: path,
    version: "1.2.3",
    output: recordingOutput(events),
    onStatus: (status) => void statuses.push(status),
  });
  const server = serveControl(await listenControl(path), {
    desk,
    onDrop: (why) => void dropped.push(why),
    ...(silentMs !== undefined && { silentMs }),
  });
  const close = async (): Promise<void> => {
    desk.close();
    await live.close();
    await server.close();
  };
  onTestFinished(close);
  return {
    path,
    live,
    events,
    statuses,
    dropped,
    beginToEnd: () => desk.close(),
    dial: async () => dialRaw(path),
    close,
  };
}

async function dialRaw(path: string): Promise<RawClient> {
  const connection = await connectUnix({ path, reading: "stream" });
  onTestFinished(() => connection.destroy());
  const lines = readLines(connection, 1024 * 1024);
  const write = async (text: string | Uint8Array): Promise<void> =>
    connection.send([typeof text === "string" ? new TextEncoder().encode(text) : text]);
  return {
    write,
    ask: async (...requests) => write(requests.map((request) => `${JSON.stringify(request)}\n`).join("")),
    async next() {
      const { value } = await lines.next();
      return value === undefined ? undefined : (JSON.parse(value) as Line);
    },
    finish: () => connection.finish(),
    hangUp: () => connection.destroy(),
  };
}

function recordingOutput(events: string[]): Output {
  return {
    say: () => {},
    warn: () => void events.push("warning"),
    event: (event) => void events.push(event),
    progress: () => void events.push("status"),
    ended: ({ event }) => void events.push(event),
    endProgress: () => {},
    debug: () => {},
    flush: async () => {},
  };
}
