import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { parseBenchOptions, UsageError } from "./bench-options.ts";
import { isInstalled } from "./copy-program.ts";
import type { Results } from "./results.ts";

const BENCH = fileURLToPath(new URL("bench.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "blkmig-bench-test-"));
const docs = join(folder, "docs");
const page = join(docs, "performance.md");
const bench = async (...words: string[]) =>
  promisify(execFile)(process.execPath, [BENCH, "--docs", docs, "--folder", folder, ...words]);

/** One of each kind, and what it needs. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  "blkmig session unix": [],
  "blkmig session stdio": [],
  "blkmig classic 1.1 tls": [],
  "nbdcopy tcp": ["nbdcopy", "nbdkit"],
  "qemu-img convert unix": ["qemu-img", "qemu-nbd"],
  "node tls bare": [],
  "socat tcp": ["socat"],
  "rsync --sparse tcp": ["rsync"],
};
const here = Object.keys(PROGRAMS).filter((program) => PROGRAMS[program]!.every(isInstalled));
const everywhere = (name: string): boolean => !/bare|socat/.test(name);

afterAll(() => rmSync(folder, { recursive: true }));

describe("a whole run in the small", () => {
  let results: Results;

  beforeAll(async () => {
    const small = ["--rounds", "1", "--size-scale", "0.001", "--places", "disk", "--jobs", "dense,holes-256M"];
    await bench("--write", ...small, "--programs", Object.keys(PROGRAMS).join(","));
    results = JSON.parse(readFileSync(join(docs, "performance/results.json"), "utf8")) as Results;
  }, 100_000);

  test("every program that is installed has copied, and been weighed", () => {
    const dense = results.series.filter(({ job }) => job === "dense");
    expect(dense.map(({ program }) => program)).toEqual(here);
    const weighed = results.series.flatMap(({ program, samples }) => samples.map((sample) => ({ program, ...sample })));
    for (const { program, seconds, cpuSeconds = 0, peakMiB = [] } of weighed) {
      expect(peakMiB).toHaveLength(2);
      // Memory is looked at now and then: a program that is over at once may never have been seen, a blkmig starts for longer.
      const figures = [seconds, cpuSeconds, ...(program.startsWith("blkmig") ? peakMiB : [])];
      expect(figures.filter((figure) => figure <= 0)).toEqual([]);
    }
    expect(results.notes).toEqual([]);
  });

  test("what goes over TCP is counted, holes hardly", () => {
    const wireBytes = (job: string): number =>
      results.series.find((one) => one.job === job && one.program === "blkmig session unix")!.samples[0]!.wireBytes!;
    expect(wireBytes("dense")).toBeGreaterThan(2 * 1024 ** 2);
    expect(wireBytes("holes-256M")).toBeLessThan(1.1 * 1024 ** 2);
  });

  test("the page has a table a job, with the yardstick, and pictures that are there", () => {
    const text = readFileSync(page, "utf8");
    const rows = text.split("\n").filter((line) => /^\| (blkmig|nbdcopy|qemu-img|node|socat|rsync)/.test(line));
    expect(rows).toHaveLength(here.length + here.filter(everywhere).length);
    const pictures = Array.from(text.matchAll(/\]\(performance\/(.*?)\)/g), ([, name]) => name!);
    expect(pictures).toHaveLength(4);
    for (const name of pictures) {
      const svg = readFileSync(join(docs, "performance", name), "utf8");
      expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
      for (const program of name.startsWith("dense") ? here : here.filter(everywhere)) expect(svg).toContain(program);
    }
  });

  test("rendering again changes nothing, and keeps what was written by hand", async () => {
    const written = readFileSync(page, "utf8");
    const byHand = written.replace("# Performance\n", "# Performance\n\nBy hand, before.\n");
    writeFileSync(page, `${byHand}\nBy hand, after.\n`);
    await bench("--render");
    expect(readFileSync(page, "utf8")).toBe(`${byHand}\nBy hand, after.\n`);
    expect(readdirSync(join(docs, "performance"))).toHaveLength(5);
  });
});

describe("what cannot be meant is refused with one sentence", () => {
  test.each([
    [["--rounds", "0"], "--rounds takes a whole number from 1, not '0'"],
    [["--size-scale", "2"], "--size-scale takes more than 0 and at most 1, not '2'"],
    [["--jobs", "dense,thick"], "--jobs knows dense, sparse"],
    [["--places", ""], "--places knows tmpfs, disk, not ''"],
    [["--quick"], "Unknown option '--quick'"],
    [["now"], "Unexpected argument 'now'"],
  ])("%j", (words, sentence) => {
    expect(() => parseBenchOptions(words)).toThrow(UsageError);
    expect(() => parseBenchOptions(words)).toThrow(sentence);
  });

  test("with exit code 2", async () => {
    const refused = bench("--programs", "tar");
    await expect(refused).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^bench: .*has 'tar' in its name\n$/),
    });
  });
});
