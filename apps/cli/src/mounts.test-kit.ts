import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";

import { onTestFinished } from "vitest";

/** Runs a program of the system; gives what it prints. */
export function system(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
}

/** Mounting takes more than being root: a container may forbid it. */
export const canMount: boolean = tryToMount();

function tryToMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    const folder = system("mktemp", "-d");
    system("mount", "-t", "tmpfs", "none", folder);
    system("umount", folder);
    system("rmdir", folder);
    return true;
  } catch {
    return false;
  }
}

/** Makes the folder and mounts there, until the test is over, however it ends. */
export function mountAt(folder: string, ...args: readonly string[]): void {
  mkdirSync(folder);
  system("mount", ...args, folder);
  // Lazily: a program of the test's may be dying still, and what it has open would keep the folder.
  onTestFinished(() => void system("umount", "--lazy", folder));
}

/** A file system of its own, which can be full. */
export interface SmallDisk {
  readonly path: (name: string) => string;
  /** Takes all room that is left: what is there can be written over, and nothing be added. */
  fill(): void;
  /** Gives back what `fill()` took, or so many bytes of it. */
  makeRoom(bytes?: number): void;
}

export function mountSmall(folder: string, bytes: number): SmallDisk {
  mountAt(folder, "-t", "tmpfs", "-o", `size=${bytes}`, "none");
  const path = (name: string): string => join(folder, name);
  return {
    path,
    fill() {
      const file = openSync(path("ballast"), "a");
      try {
        for (;;) writeSync(file, new Uint8Array(4096));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      } finally {
        closeSync(file);
      }
    },
    makeRoom(room) {
      if (room === undefined) rmSync(path("ballast"));
      else truncateSync(path("ballast"), statSync(path("ballast")).size - room);
    },
  };
}
