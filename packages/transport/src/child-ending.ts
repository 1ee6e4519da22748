import type { ChildProcess } from "node:child_process";

import { LineReader } from "./line-reader.ts";
import { TransportError } from "./transport-error.ts";

/** A program that has died closes its output a moment before we hear of its death; one that lives on goes on sending nothing. */
const DEATH_NEWS_MS = 1000;

/** What it said last may still be in the pipe; not longer, since a child of its own may keep that pipe open for ever. */
const LAST_WORDS_MS = 200;

/** A program that does not heed SIGTERM in that time is killed. */
const HEED_MS = 2000;

/** How a child process ends: its code or signal, and what it said last. */
export class ChildEnding {
  readonly #child: ChildProcess;
  readonly #ending: Promise<TransportError | undefined>;

  constructor(child: ChildProcess, peer: string, onStderr?: (line: string) => void) {
    this.#child = child;
    const stderr = child.stderr && new LineReader(child.stderr, onStderr);
    this.#ending = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        const tell = () => resolve(toEnding(peer, child.spawnfile, code, signal, stderr?.last));
        child.stderr?.once("close", tell);
        setTimeout(tell, child.stderr?.closed === false ? LAST_WORDS_MS : 0);
      });
    });
  }

  /** What it died of, if it did; undefined when all went well, or when it lives on. */
  failure(): Promise<TransportError | undefined> {
    return Promise.race([this.#ending, after(DEATH_NEWS_MS)]);
  }

  /** When it has ended. */
  get ended(): Promise<TransportError | undefined> {
    return this.#ending;
  }

  kill(): void {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), HEED_MS).unref();
    this.#child.once("exit", () => clearTimeout(timer));
  }
}

function toEnding(peer: string, program: string, code: number | null, signal: string | null, last = "") {
  if (code === 0) return undefined;
  const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
  return new TransportError("io", peer, `${program} ${how}${last === "" ? "" : `: ${last}`}`);
}

function after(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref();
  });
}
