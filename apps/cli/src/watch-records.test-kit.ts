import { readFileSync, watch } from "node:fs";
import { dirname } from "node:path";

import { onTestFinished } from "vitest";

import { sameFiles } from "./make-disks.test-kit.ts";

/** What the records beside a source and a target say; "none" without one. */
export interface RecordedStates {
  readonly source: string;
  readonly target: string;
}

/** Reads both records whenever one changes, and remembers what must never be. */
export interface RecordWatch {
  readonly now: RecordedStates;
  /** A sentence for every moment in which a disk had two owners, or a committed target other bytes than its source. */
  readonly wrongs: readonly string[];
  /** Settles when it is so. */
  until(isIt: (states: RecordedStates) => boolean): Promise<void>;
}

export function watchRecords(source: string, target: string): RecordWatch {
  const wrongs: string[] = [];
  const waiting = new Set<() => void>();
  let wasCommitted = false;

  const look = (): RecordedStates => {
    // The target first: what it decided was asked for before, so the source must have recorded that, whenever it is read.
    const states = { target: stateOf(target), source: stateOf(source) };
    const isCommitted = states.target === "committed";
    if (isCommitted && states.source !== "asked" && states.source !== "moved") {
      wrongs.push(`the target is committed, and the source's record says ${states.source}`);
    }
    if (isCommitted && !wasCommitted && !sameFiles(source, target)) wrongs.push("what was committed is not equal");
    wasCommitted ||= isCommitted;
    return states;
  };
  const onChange = (): void => {
    look();
    for (const judge of waiting) judge();
  };
  const watchers = [...new Set([source, target].map(dirname))].map((folder) => watch(folder, onChange));
  onTestFinished(() => {
    for (const watcher of watchers) watcher.close();
  });

  return {
    get now() {
      return look();
    },
    wrongs,
    until: async (isIt) =>
      new Promise((resolve) => {
        const judge = (): void => {
          if (!isIt(look())) return;
          waiting.delete(judge);
          resolve();
        };
        waiting.add(judge);
        judge();
      }),
  };
}

function stateOf(disk: string): string {
  try {
    return (JSON.parse(readFileSync(`${disk}.blkmig`, "utf8")) as { readonly state: string }).state;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "none";
    throw error;
  }
}
