import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { createRandom } from "@blkmig/testkit";
import { onTestFinished } from "vitest";

import type { Program } from "./programs.ts";

/** How a program ended: its code, its last event, and what it told people. */
interface ProgramEnd {
  readonly code: number | null;
  readonly last: Readonly<Record<string, unknown>>;
  readonly stderr: string;
}

interface RunningProgram {
  readonly ended: Promise<ProgramEnd>;
  readonly url: Promise<string>;
}

/** Starts a program with `--json`. It is killed when the test is over. */
export function startProgram({ bin }: Program, args: readonly string[], stateDir: string): RunningProgram {
  const env = { ...process.env, BLKMIG_STATE_DIR: stateDir };
  const child = spawn(process.execPath, [bin, ...args, "--json"], { env, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stderr = "";
  let last: Readonly<Record<string, unknown>> = {};
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<ProgramEnd>((resolve) => {
    child.on("close", (code) => resolve({ code, last, stderr }));
  });
  const url = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      last = JSON.parse(line) as Record<string, unknown>;
      if (last["event"] === "listening") resolve(String(last["url"]));
    });
    void ended.then(({ code }) => reject(new Error(`ended with ${code} before it listened: ${stderr}`)));
  });
  url.catch(() => {}); // a sender never listens
  return { ended, url };
}

/** A folder with `source`, of which a third is holes, and `target`, full of garbage, of one size. */
export function disksToMove(size: number): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "blkmig-compat-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const random = createRandom(size);
  const bytes = new Uint8Array(size);
  const third = Math.floor(size / 3);
  bytes.set(random.bytes(third));
  bytes.set(random.bytes(third), size - third);
  writeFileSync(join(folder, "source"), bytes);
  writeFileSync(join(folder, "target"), new Uint8Array(size).fill(0xe5));
  return (name) => join(folder, name);
}
