import type { BenchOptions } from "./bench-options.ts";
import { UsageError } from "./bench-options.ts";
import { blkmigPrograms } from "./copy-by-blkmig.ts";
import { nbdPrograms } from "./copy-by-nbd.ts";
import { qemuPrograms } from "./copy-by-qemu.ts";
import { streamPrograms } from "./copy-by-stream.ts";
import { type CopyProgram, isInstalled } from "./copy-program.ts";
import { copyJobs } from "./jobs.ts";
import { measureLive } from "./live.ts";
import { describeMachine, versionsOf } from "./machine.ts";
import { measureCopies, type Place } from "./measure-copies.ts";
import { measureMicro } from "./micro.ts";
import type { MicroFigure, Results, Series } from "./results.ts";
import { withFolder } from "./with-folder.ts";

/** A run of the bench: what it found, and what went wrong meanwhile, which is in no series. */
export interface BenchRun {
  readonly results: Results;
  readonly failures: readonly string[];
}

const say = (sentence: string): void => void process.stderr.write(`${sentence}\n`);

/**
 * Measures what was asked for, and calls `save` after each job with all that there is so far, so that a run that is stopped was
 * not for nothing.
 */
export async function runBench(
  options: BenchOptions,
  command: string,
  save: (results: Results) => void,
): Promise<BenchRun> {
  const { jobs, rounds, scale } = options;
  const places = placesOf(options);
  const chosen = programsOf(options.programs);
  const asked = copyJobs(scale).filter(({ name }) => jobs.includes(name));
  const series: Series[] = [];
  const micro: MicroFigure[] = [];
  const notes: string[] = [];
  const failures: string[] = [];
  const about = {
    command,
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(places),
    versions: versionsOf(chosen.needs.filter(isInstalled)),
    missing: chosen.needs.filter((program) => !isInstalled(program)),
    rounds,
    titles: Object.fromEntries(asked.map(({ name, title }) => [name, title])),
  };
  const resultsSoFar = (): Results => ({ ...about, series, micro, notes: [...notes, ...failures] });

  for (const job of asked) {
    for (const place of places) {
      const measured = await measureCopies({ job, place, programs: chosen.installed, rounds, say });
      series.push(...measured.series);
      failures.push(...measured.failures);
      if (measured.leftOut !== undefined) notes.push(measured.leftOut);
      for (const sentence of [...measured.failures, measured.leftOut ?? []].flat()) say(sentence);
      save(resultsSoFar());
    }
  }
  for (const place of jobs.includes("live") ? places : []) {
    say(`live, ${place.name}: ${rounds} rounds`);
    try {
      series.push(...(await measureLiveAt(place, rounds, scale)));
    } catch (error) {
      failures.push(`live could not be measured on ${place.name}: ${String(error)}`);
    }
    save(resultsSoFar());
  }
  if (jobs.includes("micro")) {
    say("micro");
    micro.push(...(await measureMicro()));
    save(resultsSoFar());
  }
  return { results: resultsSoFar(), failures };
}

async function measureLiveAt(place: Place, rounds: number, scale: number): Promise<readonly Series[]> {
  const series = await withFolder(place.folder, async (folder) => measureLive({ folder, rounds, scale }));
  return series.map(({ job, program, samples }) => ({ job, place: place.name, program, samples }));
}

function placesOf({ places, folder }: BenchOptions): readonly Place[] {
  return places.map((name) => ({ name, folder: name === "tmpfs" ? "/dev/shm" : folder }));
}

/** Those with one of these parts in their names, and which programs they need. */
function programsOf(parts: readonly string[]) {
  const all: readonly CopyProgram[] = [...blkmigPrograms(), ...nbdPrograms, ...streamPrograms, ...qemuPrograms];
  const unknown = parts.find((part) => !all.some(({ name }) => name.includes(part)));
  if (unknown !== undefined) {
    throw new UsageError(`--programs: none of ${all.map(({ name }) => name).join(", ")} has '${unknown}' in its name`);
  }
  const named = all.filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)));
  return {
    installed: named.filter(({ needs }) => needs.every(isInstalled)),
    needs: Array.from(new Set(named.flatMap(({ needs }) => needs))),
  };
}
