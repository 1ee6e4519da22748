import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { onTestFinished } from "vitest";

import { createJournal, type Journal } from "./journal.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const require = createRequire(import.meta.url);
export const BIN: string = join(require.resolve("blkmig/package.json"), "../dist/bin.js");

/** How a process ended. */
interface BlkmigEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Blkmig {
  readonly process: ChildProcess;
  /** What `--json` prints on standard output. */
  readonly events: Journal<BlkmigEvent>;
  readonly exited: Promise<BlkmigEnd>;
  /** The port that it listens at. */
  port(): Promise<number>;
}

type BlkmigEvent = Readonly<Record<string, unknown>> & { readonly event: string };

/** Starts the built program. It is killed when the test is over. What it records elsewhere than beside a file goes with the test. */
export function startBlkmig(args: readonly string[]): Blkmig {
  const env = { ...process.env, BLKMIG_STATE_DIR: temporaryFolder()("state") };
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const events = createJournal<BlkmigEvent>();
  let [stdout, stderr] = ["", ""];

  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith("{")) events.write(JSON.parse(line) as BlkmigEvent);
  });
  const exited = new Promise<BlkmigEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      events.end(new Error(`blkmig ended (${code ?? signal}) before that event: ${stdout}${stderr}`));
      resolve({ code, signal, stdout, stderr });
    });
  });
  const port = async (): Promise<number> => {
    const { url } = await events.until(({ event }) => event === "listening");
    return Number(new URL(String(url)).port);
  };
  return { process: child, events, exited, port };
}

/** Runs the built program to its end. */
export function runBlkmig(args: readonly string[]): Promise<BlkmigEnd> {
  return startBlkmig(args).exited;
}
