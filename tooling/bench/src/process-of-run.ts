import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** A process of a measured run. */
export interface ProcessOfRun {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Settles when it has ended and was waited for, well or not. */
  readonly ended: Promise<void>;
  /** Settles when it has ended with 0. Throws, with the last that it said, if it ends otherwise. */
  succeeded(): Promise<void>;
  /** The first line of its output (standard output or error) that is so, said already or to come. Throws if it ends without one. */
  line(isIt: (line: string) => boolean): Promise<string>;
  /** What it has said so far. */
  readonly lines: readonly string[];
  /** The most memory it has had when somebody last looked, in MiB; this looks again, if it still runs. */
  lookAtMemory(): number;
}

/** Starts it with nothing to read, unless `stdio` says otherwise. Throws if there is no such program. */
export async function startProcess(
  command: string,
  words: readonly string[],
  stdio: StdioOptions = ["ignore", "pipe", "pipe"],
): Promise<ProcessOfRun> {
  const child = spawn(command, words, { stdio });
  const lines: string[] = [];
  const watchers = new Set<() => void>();
  const changed = (): void => watchers.forEach((look) => look());
  for (const output of [child.stdout, child.stderr]) {
    let begun = "";
    output?.setEncoding("utf8").on("data", (text: string) => {
      const whole = (begun + text).split("\n");
      begun = whole.pop()!;
      lines.push(...whole);
      changed();
    });
  }
  let over = false;
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => {
      over = true;
      changed();
      resolve();
    });
  });
  await new Promise<void>((resolve, reject) => void child.once("spawn", resolve).once("error", reject));

  const sentence = (): string =>
    `${command} ${words.join(" ")} ended with ${child.exitCode ?? child.signalCode}: ${lines.slice(-5).join("\n")}`;
  let peakMiB = 0;
  return {
    process: child,
    pid: child.pid!,
    ended,
    lines,
    async succeeded() {
      await ended;
      if (child.exitCode !== 0) throw new Error(sentence());
    },
    line: async (isIt) =>
      new Promise<string>((resolve, reject) => {
        const look = (): void => {
          const found = lines.find(isIt);
          if (found === undefined && !over) return;
          watchers.delete(look);
          if (found === undefined) reject(new Error(sentence()));
          else resolve(found);
        };
        watchers.add(look);
        look();
      }),
    lookAtMemory: () => (peakMiB = Math.max(peakMiB, over ? 0 : highWaterMiB(child.pid!))),
  };
}

function highWaterMiB(pid: number): number {
  try {
    const kiB = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kiB ?? 0) / 1024; // a process that has ended, and was not waited for, has no such line
  } catch {
    return 0; // it has just ended
  }
}
