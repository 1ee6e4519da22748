import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** One line that a process of the demo tells. */
export type DemoEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

/** A process of the demo that tells JSON lines on its standard output. */
export interface DemoProcess {
  readonly events: AsyncIterable<DemoEvent>;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  kill(): void;
}

/** Starts the binary itself, as `blkmig receive … --json`. */
export function startReceiver(url: string, target: string, size: number): DemoProcess {
  const program = fileURLToPath(new URL("../bin.js", import.meta.url));
  const disk = ["--disk", `vda=${target}`, "--create", "--size", `vda=${size}`];
  return start([program, "receive", url, ...disk, "--json"]);
}

/** Starts the process that has the guest and moves its disk. */
export function startSender(
  url: string,
  path: string,
  area: { readonly offset: number; readonly length: number },
): DemoProcess {
  const program = fileURLToPath(new URL("live-sender.js", import.meta.url));
  return start([program, url, path, String(area.offset), String(area.length)]);
}

function start(args: readonly string[]): DemoProcess {
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit").then(([code, signal]: (number | string | null)[]) => code ?? signal ?? "killed");
  return { events: linesOf(child), ended, kill: () => void child.kill("SIGKILL") };
}

async function* linesOf({ stdout }: ChildProcess): AsyncGenerator<DemoEvent> {
  if (!stdout) return;
  for await (const line of createInterface({ input: stdout })) {
    const event: DemoEvent = JSON.parse(line);
    yield event;
  }
}
