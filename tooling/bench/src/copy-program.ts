import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import type { Job } from "./jobs.ts";
import type { MeasuredRun, Told } from "./measured-run.ts";

/** A disk and the fresh, empty file that shall become its copy. */
export interface CopiedDisk {
  readonly name: string;
  readonly source: string;
  readonly target: string;
}

/** One copy to make. */
export interface CopyTask {
  readonly job: Job;
  readonly disks: readonly CopiedDisk[];
  /** For sockets and records; empty, and removed afterwards. */
  readonly folder: string;
}

/** A way to copy disks, from one process to another. */
export interface CopyProgram {
  readonly name: string;
  /** Programs that must be installed. */
  readonly needs: readonly string[];
  readonly takes: (job: Job, place: string) => boolean;
  /** Makes the copy; what stands before the timed part is over must be the whole of it. Throws if it fails. */
  copy(run: MeasuredRun, task: CopyTask): Promise<Told>;
}

/** Whether a program of this name stands in PATH. */
export function isInstalled(program: string): boolean {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
