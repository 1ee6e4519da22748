import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

import { expect, onTestFinished } from "vitest";

/** The built program. */
export const BIN: string = fileURLToPath(new URL("../dist/bin.js", import.meta.url));
/** Another Node may be named to run the program with; the tests themselves need a newer one. */
const NODE = process.env["BLKMIG_TEST_NODE"] ?? process.execPath;

const EPOCH = "1970-01-01T00:00:00.000Z";

export type JsonEvent = Readonly<Record<string, unknown>> & { readonly event: string };

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly events: readonly JsonEvent[];
}

export interface Running {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** The first event that is so, seen already or to come. Throws if the process ends without one. */
  until(isIt: (event: JsonEvent) => boolean): Promise<JsonEvent>;
  /** The address that it listens at. */
  url(): Promise<string>;
}

export interface StartOptions {
  /** Each "pipe" (default for the first three), "ignore", a file descriptor or a stream. */
  readonly stdio?: readonly ("pipe" | "ignore" | number | NonNullable<ChildProcess["stdout"]>)[];
  /** Which output has the events. Default: standard output. */
  readonly eventsAt?: 1 | 2 | 3;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the built program. It is killed when the test is over. */
export function startBlkmig(args: readonly string[], options: StartOptions = {}): Running {
  const { stdio = ["pipe", "pipe", "pipe"], eventsAt = 1, env = {} } = options;
  const child = spawn(NODE, [BIN, ...args], { stdio: [...stdio], env: { ...process.env, ...env } });
  onTestFinished(() => void child.kill("SIGKILL"));
  const outputs = [undefined, child.stdout, child.stderr, child.stdio[3]].map((stream) => {
    const output = { text: "" };
    if (stream && "setEncoding" in stream) {
      stream.setEncoding("utf8").on("data", (text: string) => (output.text += text));
    }
    return output;
  });
  const told = (): readonly JsonEvent[] => eventsIn(outputs[eventsAt]!.text);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const [stdout, stderr] = [outputs[1]!.text, outputs[2]!.text];
      resolve({ code, signal, stdout, stderr, events: told() });
    });
  });
  const until = (isIt: (event: JsonEvent) => boolean): Promise<JsonEvent> =>
    new Promise((resolve, reject) => {
      const source = child.stdio[eventsAt] as Readable | null;
      const look = (): void => {
        const found = told().find(isIt);
        if (!found) return;
        source?.off("data", look);
        resolve(found);
      };
      source?.on("data", look);
      look();
      void ended.then((end) => {
        look();
        reject(new Error(`ended with ${end.code} before that event: ${end.stdout}${end.stderr}`));
      }, reject);
    });
  const url = async (): Promise<string> => String((await until(({ event }) => event === "listening"))["url"]);
  return { process: child, pid: child.pid!, ended, until, url };
}

/** Whole lines only: the last one may still be coming. */
function eventsIn(text: string): readonly JsonEvent[] {
  const lines = text.split("\n").slice(0, -1);
  return lines.filter((line) => line.startsWith("{")).map(eventIn);
}

/** Every event says when it was, which no test compares; what `inspect` prints of a stream does not. */
function eventIn(line: string): JsonEvent {
  const { time = EPOCH, ...event } = JSON.parse(line) as JsonEvent & { readonly time?: string };
  if (Number.isNaN(Date.parse(time))) throw new Error(`no time: ${line}`);
  return event;
}

/** Runs the built program to its end. */
export async function runBlkmig(args: readonly string[], options?: StartOptions): Promise<Ended> {
  const running = startBlkmig(args, options);
  running.process.stdin?.end();
  return running.ended;
}

/** Runs a script in which `"$NODE" "$BIN"` is the program; gives what it prints. What it started ends with the test. */
export async function runShell(script: string, cwd: string): Promise<string> {
  const env = { ...process.env, NODE, BIN };
  const child = spawn("bash", ["-c", script], { cwd, env, detached: true, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const closed = new Promise<void>((resolve) => {
    child.on("close", () => resolve());
  });
  onTestFinished(() => {
    if (child.exitCode === null) process.kill(-child.pid!, "SIGKILL");
  });
  await closed;
  return text;
}

/** How a process refused: its exit code, its one sentence, and whether it showed its inside. */
export function refusal({ code, stderr }: Ended): Readonly<Record<string, unknown>> {
  const sentences = stderr.split("\n").filter((line) => line.startsWith("blkmig: "));
  return { code, sentences, stackTrace: /^ {4}at /m.test(stderr) };
}

/** What `refusal()` gives for one good sentence. */
export function refused(code: number, sentence: RegExp): Readonly<Record<string, unknown>> {
  return { code, sentences: [expect.stringMatching(sentence)], stackTrace: false };
}

/** An empty folder, removed when the test is over. */
export function temporaryFolder(): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "blkmig-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return (name) => join(folder, name);
}
