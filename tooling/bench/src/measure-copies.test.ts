import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import type { CopyProgram, CopyTask } from "./copy-program.ts";
import { copyJobs } from "./jobs.ts";
import { measureCopies } from "./measure-copies.ts";
import type { MeasuredRun, Told } from "./measured-run.ts";

function programOf(name: string, copy: (run: MeasuredRun, task: CopyTask) => Promise<void>): CopyProgram {
  const told = async (run: MeasuredRun, task: CopyTask): Promise<Told> => {
    await run.timed(async () => copy(run, task));
    return {};
  };
  return { name, needs: [], takes: () => true, copy: told };
}

async function ended(run: MeasuredRun, command: string, words: readonly string[]): Promise<void> {
  const sender = await run.start("sender", command, words);
  await sender.succeeded();
}

const right = programOf("right", async (run, { disks }) => {
  for (const { source, target } of disks) await ended(run, "cp", [source, target]);
});
const idle = programOf("idle", async (run) => ended(run, "true", []));
const broken = programOf("broken", async (run) => ended(run, "sh", ["-c", "echo it is broken >&2; exit 3"]));
const rightOnce = programOf("right once", async (run, { disks }) => {
  if (calls++ === 0) for (const { source, target } of disks) copyFileSync(source, target);
  else await ended(run, "false", []);
});
let calls = 0;

const job = copyJobs(0.001).find(({ name }) => name === "ten")!;

test("what failed, or made another disk, is in no series, and it is said which", async () => {
  const folder = mkdtempSync(join(tmpdir(), "blkmig-copies-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const programs = [right, idle, broken, rightOnce];
  const place = { name: "disk", folder };
  const { series, failures } = await measureCopies({ job, place, programs, rounds: 2, say: () => {} });

  expect(series.map(({ program, samples }) => [program, samples.length])).toEqual([["right", 2]]);
  expect(failures).toEqual([
    expect.stringMatching(/^idle could not do ten on disk: .*differs from its source/),
    expect.stringMatching(/^broken could not do ten on disk: .*it is broken/s),
    expect.stringMatching(/^right once could not do ten on disk: .*ended with 1/s),
  ]);
  expect(readdirSync(folder)).toEqual([]);
});
