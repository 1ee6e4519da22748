import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { LIVE_SENDER, PROGRAM } from "../own-program.ts";
import type { GuestArea } from "./guest-records.ts";

/** One line that a process of the demo tells. */
export type DemoEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

/** A process of the demo that tells JSON lines on its standard output. */
export interface DemoProcess {
  readonly events: AsyncIterator<DemoEvent>;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Lets a sender end its migration, which it holds off until then. */
  letEnd(): void;
  kill(): void;
}

/** Starts the binary itself; `again` after it was killed. */
export function startReceiver(target: string, how: "first" | "again"): DemoProcess {
  const found = how === "first" ? "--create" : "--resume";
  return start([PROGRAM, "receive", "tcp://127.0.0.1:0", "--disk", `vda=${target}`, found, "--json"]);
}

/** Starts the process that has the guest and moves its disk. */
export function startSender(url: string, path: string, area: GuestArea): DemoProcess {
  return start([LIVE_SENDER, url, path, String(area.offset), String(area.length)]);
}

/** Asks the binary itself to send a disk that has moved; gives what ended it, in its words. */
export async function trySending(path: string): Promise<DemoEvent | undefined> {
  const sender = start([PROGRAM, "send", "tcp://127.0.0.1:9", "--disk", `vda=${path}`, "--json"], "ignore");
  return lastOf(sender.events);
}

async function lastOf(events: AsyncIterator<DemoEvent>): Promise<DemoEvent | undefined> {
  let last: DemoEvent | undefined;
  for (let next = await events.next(); !next.done; next = await events.next()) last = next.value;
  return last;
}

function start(args: readonly string[], stderr: "inherit" | "ignore" = "inherit"): DemoProcess {
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ["pipe", "pipe", stderr] });
  child.stdin?.on("error", () => {}); // it has ended
  const ended = once(child, "exit").then(([code, signal]: (number | string | null)[]) => code ?? signal ?? "killed");
  return {
    events: linesOf(child),
    ended,
    letEnd: () => void child.stdin?.end(),
    kill: () => void child.kill("SIGKILL"),
  };
}

async function* linesOf({ stdout }: ChildProcess): AsyncGenerator<DemoEvent> {
  if (!stdout) return;
  for await (const line of createInterface({ input: stdout })) {
    const event: DemoEvent = JSON.parse(line);
    yield event;
  }
}
