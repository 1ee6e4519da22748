import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { copyJobs } from "./jobs.ts";

/** What was asked for on the command line. */
export interface BenchOptions {
  readonly help: boolean;
  readonly rounds: number;
  readonly jobs: readonly string[];
  readonly places: readonly string[];
  /** Parts of names; none means all. */
  readonly programs: readonly string[];
  readonly scale: number;
  /** Where the place "disk" is. */
  readonly folder: string;
  /** The folder of `performance.md`. */
  readonly docs: string;
  readonly write: boolean;
  /** Jobs and places that are not measured now stay as they were written. */
  readonly add: boolean;
  readonly render: boolean;
}

/** The caller asked for something that there is not: the message is for people. */
export class UsageError extends Error {}

const ALL_JOBS: readonly string[] = [...copyJobs(1).map(({ name }) => name), "live", "micro"];
const PLACES: readonly string[] = ["tmpfs", "disk"];
const DOCS = fileURLToPath(new URL("../../../docs", import.meta.url));

export const HELP = `Usage: pnpm bench [options]

Copies disks by blkmig and by those programs of the field that are installed, in turn, on one machine.

  --rounds N            how often each program does each job, after one round that is not measured (default 5)
  --jobs LIST           of ${ALL_JOBS.join(", ")} (default: all)
  --places LIST         of tmpfs (/dev/shm) and disk (default: both)
  --folder PATH         where the place "disk" is (default: the folder for temporary files)
  --programs LIST       only programs with one of these in their names
  --size-scale FACTOR   smaller disks: 0.1 for a tenth (default 1)
  --write               write docs/performance.md's generated part, its pictures and the samples anew; else only print
  --add                 with --write: jobs and places that are not measured now stay as they were written
  --render              make them anew from the samples that were written, and measure nothing
  --docs PATH           where performance.md is (default: docs)
  --help
`;

/** Throws a `UsageError` for what cannot be meant. */
export function parseBenchOptions(words: readonly string[]): BenchOptions {
  const values = parsed(words);
  return {
    help: values.help,
    rounds: numberOf(
      "--rounds",
      values.rounds,
      (rounds) => Number.isInteger(rounds) && rounds > 0,
      "a whole number from 1",
    ),
    jobs: listOf("--jobs", values.jobs, ALL_JOBS),
    places: listOf("--places", values.places, PLACES),
    programs: values.programs === undefined ? [] : values.programs.split(","),
    scale: numberOf(
      "--size-scale",
      values["size-scale"],
      (scale) => scale > 0 && scale <= 1,
      "more than 0 and at most 1",
    ),
    folder: pathOf(values.folder),
    docs: pathOf(values.docs),
    write: values.write,
    add: values.add,
    render: values.render,
  };
}

function parsed(words: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: words.filter((word) => word !== "--"), // pnpm passes it on
      options: {
        help: { type: "boolean", default: false },
        rounds: { type: "string", default: "5" },
        jobs: { type: "string", default: ALL_JOBS.join(",") },
        places: { type: "string", default: PLACES.join(",") },
        folder: { type: "string", default: tmpdir() },
        programs: { type: "string" },
        "size-scale": { type: "string", default: "1" },
        write: { type: "boolean", default: false },
        add: { type: "boolean", default: false },
        render: { type: "boolean", default: false },
        docs: { type: "string", default: DOCS },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** From where the caller is: pnpm has gone to this package. */
const pathOf = (word: string): string => resolve(process.env["INIT_CWD"] ?? ".", word);

function numberOf(option: string, word: string, isRight: (value: number) => boolean, right: string): number {
  const value = Number(word);
  if (word.trim() === "" || !isRight(value)) throw new UsageError(`${option} takes ${right}, not '${word}'`);
  return value;
}

function listOf(option: string, word: string, known: readonly string[]): readonly string[] {
  const names = word.split(",");
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`${option} knows ${known.join(", ")}, not '${unknown}'`);
  return known.filter((name) => names.includes(name));
}
