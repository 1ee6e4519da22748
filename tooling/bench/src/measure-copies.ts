import { mkdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { CopiedDisk, CopyProgram } from "./copy-program.ts";
import { dataBytesOf, type Job, sizeOf } from "./jobs.ts";
import { makeSparseDisk } from "./make-disk.ts";
import { measureRun } from "./measured-run.ts";
import type { Sample, Series } from "./results.ts";
import { assertSameDisk, assertSameSize } from "./same-disk.ts";
import { withFolder } from "./with-folder.ts";

/** Where disks are copied to and from. */
export interface Place {
  readonly name: string;
  readonly folder: string;
}

export interface MeasureCopiesOptions {
  readonly job: Job;
  readonly place: Place;
  readonly programs: readonly CopyProgram[];
  readonly rounds: number;
  /** Hears what is done next. */
  readonly say: (sentence: string) => void;
}

/** Source and copy, and something for file systems' own use. */
const SPACE_FACTOR = 2.2;

/** What was measured, and sentences for the reader about what was not. */
export interface MeasuredCopies {
  readonly series: readonly Series[];
  /** The place cannot hold the job. */
  readonly leftOut?: string;
  /** A program failed, or its copy was not its source: it is in no series. */
  readonly failures: readonly string[];
}

/** Lets each program do the job once without measuring, and compares what it made; then `rounds` times in turn. */
export async function measureCopies(options: MeasureCopiesOptions): Promise<MeasuredCopies> {
  const { job, place } = options;
  const lack = lackOf(job, place);
  if (lack !== undefined) return { series: [], leftOut: lack, failures: [] };
  return withFolder(place.folder, async (folder) => {
    const sources = makeSources(job, folder);
    if (typeof sources !== "string") return measureIn(folder, sources, options);
    return { series: [], leftOut: `${job.name} is left out on ${place.name}: ${sources}`, failures: [] };
  });
}

async function measureIn(
  folder: string,
  sources: readonly string[],
  { job, place, rounds, say, programs: all }: MeasureCopiesOptions,
): Promise<MeasuredCopies> {
  const programs = all.filter((program) => program.takes(job, place.name));
  const samples = new Map<CopyProgram, Sample[]>(programs.map((program) => [program, []]));
  const failures: string[] = [];
  for (let round = 0; round <= rounds; round++) {
    for (const program of rotated(programs, round)) {
      const before = samples.get(program);
      if (!before) continue; // it has failed
      say(`${job.name}, ${place.name}, ${round === 0 ? "warm-up" : `round ${round} of ${rounds}`}: ${program.name}`);
      try {
        const sample = await copyOnce(program, job, sources, folder, round === 0);
        if (round > 0) before.push(sample);
      } catch (error) {
        samples.delete(program);
        failures.push(`${program.name} could not do ${job.name} on ${place.name}: ${String(error)}`);
      }
    }
  }
  const series = Array.from(samples, ([program, measured]) => {
    return { job: job.name, place: place.name, program: program.name, samples: measured };
  });
  return { series, failures };
}

async function copyOnce(
  program: CopyProgram,
  job: Job,
  sources: readonly string[],
  folder: string,
  compareBytes: boolean,
): Promise<Sample> {
  const scratch = join(folder, "scratch");
  mkdirSync(scratch);
  const disks = sources.map((source, index): CopiedDisk => {
    const target = join(folder, `target${index}.img`);
    makeHole(target, job.bytes);
    return { name: `disk${index}`, source, target };
  });
  try {
    const sample = await measureRun(async (run) => program.copy(run, { job, disks, folder: scratch }));
    for (const { source, target } of disks) (compareBytes ? assertSameDisk : assertSameSize)(source, target);
    return sample;
  } finally {
    for (const { target } of disks) rmSync(target);
    rmSync(scratch, { recursive: true });
  }
}

/** The sources' paths, or why this file system cannot have them. */
function makeSources(job: Job, folder: string): readonly string[] | string {
  try {
    const names = Array.from({ length: job.disks }, (_, index) => join(folder, `source${index}.img`));
    return names.map((path) => makeSparseDisk(path, job.bytes, job.pieces));
  } catch (error) {
    return `its file system refuses a file of ${sizeOf(job.bytes)} (${String(error)})`;
  }
}

function makeHole(path: string, bytes: number): void {
  writeFileSync(path, "");
  truncateSync(path, bytes);
}

function lackOf(job: Job, { name, folder }: Place): string | undefined {
  const { bavail, bsize } = statfsSync(folder);
  const needed = Math.ceil(dataBytesOf(job) * SPACE_FACTOR);
  if (bavail * bsize >= needed) return undefined;
  return `${job.name} is left out on ${name}: it needs ${sizeOf(needed)}, and ${folder} has ${sizeOf(bavail * bsize)} free`;
}

/** Whoever was second is first in the next round, so that nobody always follows the same one. */
function rotated<T>(all: readonly T[], by: number): readonly T[] {
  const from = all.length === 0 ? 0 : by % all.length;
  return [...all.slice(from), ...all.slice(0, from)];
}
