import { dirname } from "node:path";

import type { JournalFiles } from "./journal-files.ts";

/** The process has died. */
class Crash extends Error {}

/** A change of names that is on stable storage only after its folder is synced. */
interface Change {
  readonly folder: string;
  readonly apply: (names: Map<string, Uint8Array>) => void;
}

/** Where the process dies: in the course of its n-th change (from 0), which then has not begun or is half done. */
export interface Death {
  readonly at: number;
  readonly how: "before" | "half";
}

/** Files in memory that forget, at a crash of the machine, what was not synced. They keep the contract of `JournalFiles` as badly as a file system may. */
export interface CrashingFiles extends JournalFiles {
  /** Changes begun so far. */
  readonly changes: number;
  /** What another process sees after this one died; it may die as well. */
  restarted(death?: Death): CrashingFiles;
  /** What a new start of the machine finds: of the changes of names that were not synced, those that `keeps` says. */
  rebooted(keeps: (change: number) => boolean, death?: Death): CrashingFiles;
}

export function createCrashingFiles(death?: Death): CrashingFiles {
  return crashingFiles(new Map(), [], death);
}

function crashingFiles(durable: Map<string, Uint8Array>, unsynced: Change[], death?: Death): CrashingFiles {
  const names = new Map(durable);
  for (const change of unsynced) change.apply(names);
  let changes = 0;
  let dead = false;

  /** One change; `half` is what is left of it if the process dies meanwhile. */
  const change = (whole: () => void, half: () => void): void => {
    if (dead) throw new Crash();
    dead = death?.at === changes;
    changes += 1;
    if (!dead) return whole();
    if (death?.how === "half") half();
    throw new Crash();
  };
  const rename = (folder: string, apply: Change["apply"]): void => {
    apply(names);
    unsynced.push({ folder, apply });
  };

  return {
    get changes() {
      return changes;
    },
    async read(path, most) {
      if (dead) throw new Crash();
      return names.get(path)?.slice(0, most + 1);
    },
    async create(path, bytes) {
      const put = (content: Uint8Array): void => rename(dirname(path), (to) => void to.set(path, content));
      change(
        () => put(bytes.slice()),
        () => put(bytes.slice(0, bytes.length / 2)),
      );
    },
    async rename(from, to) {
      const content = names.get(from);
      if (!content) throw new Error(`ENOENT: ${from}`);
      const move = (): void =>
        rename(dirname(to), (all) => {
          all.delete(from);
          all.set(to, content);
        });
      change(move, move);
    },
    async remove(path) {
      const gone = (): void => rename(dirname(path), (all) => void all.delete(path));
      change(gone, gone);
    },
    async syncFolder(path) {
      const inFolder = (all: readonly Change[]): Change[] => all.filter(({ folder }) => folder === path);
      const sync = (synced: readonly Change[]): void => {
        for (const one of synced) one.apply(durable);
        unsynced.splice(0, unsynced.length, ...unsynced.filter((one) => !synced.includes(one)));
      };
      change(
        () => sync(inFolder(unsynced)),
        () => sync(inFolder(unsynced).slice(0, 1)),
      );
    },
    async makeFolder() {
      if (dead) throw new Crash();
    },
    restarted: (next) => crashingFiles(new Map(durable), [...unsynced], next),
    rebooted(keeps, next) {
      const found = new Map(durable);
      for (const [index, one] of unsynced.entries()) if (keeps(index)) one.apply(found);
      return crashingFiles(found, [], next);
    },
  };
}

/** What may be found after a process died, whether the machine went on or not. */
export function afterCrash(files: CrashingFiles): readonly CrashingFiles[] {
  return [
    files.restarted(),
    files.rebooted(() => true),
    files.rebooted(() => false),
    files.rebooted((change) => change % 2 === 0),
    files.rebooted((change) => change % 2 === 1),
  ];
}

/** Runs a script to its death at each of its changes; `script` gets files that were prepared the same way each time. */
export async function dieEverywhere(
  prepare: () => Promise<CrashingFiles>,
  script: (files: CrashingFiles) => Promise<void>,
  judge: (files: CrashingFiles, death: Death) => Promise<void>,
): Promise<void> {
  for (let at = 0; ; at += 1) {
    for (const how of ["before", "half"] as const) {
      const files = (await prepare()).restarted({ at, how });
      const hasEnded = await script(files).then(
        () => true,
        (error: unknown) => {
          if (isCrash(error)) return false;
          throw error;
        },
      );
      for (const found of afterCrash(files)) await judge(found, { at, how });
      if (hasEnded) return;
    }
  }
}

function isCrash(error: unknown): boolean {
  return error instanceof Crash || (error instanceof Error && error.cause instanceof Crash);
}
