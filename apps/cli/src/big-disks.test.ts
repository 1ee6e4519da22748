import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";

import { createRandom } from "@blkmig/testkit";
import { expect, it, onTestFinished } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { emptyNodeMemory, measureMemory } from "./measure-memory.test-kit.ts";
import { type Ended, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const TIB = 1024 * 1024 * MIB;
/** What either process may need beyond an empty Node.js, whatever the disk. */
const MEMORY_LIMIT = 150 * MIB;

type Disk = readonly [name: string, source: string, target: string];

/** Moves disks between two processes over TCP; both keep within the limit of memory. */
async function moveMeasured(path: (name: string) => string, disks: readonly Disk[]): Promise<Ended> {
  const [sending, receiving] = [measureMemory(path("sender")), measureMemory(path("receiver"))];
  const targets = disks.flatMap(([name, , target]) => ["--disk", `${name}=${target}`]);
  const sources = disks.flatMap(([name, source]) => ["--disk", `${name}=${source}`]);
  const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", ...targets], { env: receiving.env });
  const sent = await runBlkmig(["send", await receiver.url(), "--json", ...sources], { env: sending.env });
  const received = await receiver.ended;
  expect([sent.code, received.code, sent.stderr, received.stderr]).toEqual([0, 0, "", ""]);
  const limit = emptyNodeMemory(path("empty")) + MEMORY_LIMIT;
  expect(sending.peak()).toBeLessThan(limit);
  expect(receiving.peak()).toBeLessThan(limit);
  return sent;
}

function makeSparse(path: string, size: number): number {
  const file = openSync(path, "w");
  onTestFinished(() => closeSync(file));
  ftruncateSync(file, size);
  return file;
}

it("3 TiB of holes with 64 MiB of data: work, memory and the copy grow with the data", async () => {
  const path = temporaryFolder();
  const [source, target] = [path("source"), path("target")];
  const file = makeSparse(source, 3 * TIB);
  makeSparse(target, 3 * TIB);
  const random = createRandom(3);
  for (let piece = 0; piece < 64; piece++) {
    writeSync(file, random.bytes(MIB), 0, MIB, random.int(3 * 1024 * 1024) * MIB);
  }
  const sent = await moveMeasured(path, [["vda", source, target]]);
  expect(sent.events.at(-1)).toMatchObject({ total: 3 * TIB, proved: true });
  expect(statSync(target).blocks * 512).toBeLessThan(80 * MIB);
  expect(await runBlkmig(["verify", source, target])).toMatchObject({ code: 0 });
});

it("half a gigabyte of data: memory does not grow with it", async () => {
  const path = temporaryFolder();
  const disk = [path("source"), makeGarbage(path("target"), 512 * MIB)] as const;
  const file = makeSparse(disk[0], 512 * MIB);
  const piece = createRandom(5).bytes(MIB);
  for (let at = 0; at < 512; at++) writeSync(file, piece, 0, MIB, at * MIB);
  await moveMeasured(path, [["vda", ...disk]]);
  expect(sameFiles(...disk)).toBe(true);
});

it("ten disks at once", async () => {
  const path = temporaryFolder();
  const disks = Array.from({ length: 10 }, (_, index): Disk => {
    const size = (8 + index) * MIB + 512 * index;
    return [`disk${index}`, makeDisk(path(`source${index}`), size, index), makeGarbage(path(`target${index}`), size)];
  });
  await moveMeasured(path, disks);
  for (const [, source, target] of disks) expect(sameFiles(source, target)).toBe(true);
});

const mayLoop = process.getuid?.() === 0 && works("losetup", "--find");

it.skipIf(!mayLoop)("a block device as source and as target (needs losetup and root)", async () => {
  const path = temporaryFolder();
  const size = 40 * MIB + 512;
  const files = [makeDisk(path("source"), size), makeGarbage(path("target"), size)] as const;
  const [source, target] = files.map(loopOver) as [string, string];
  const sent = await moveMeasured(path, [["vda", source, target]]);
  expect(sent.events.at(-1)).toMatchObject({ total: size });
  expect(await runBlkmig(["verify", source, target])).toMatchObject({ code: 0 });
  execFileSync("sync", files);
  expect(sameFiles(...files)).toBe(true);
});

function loopOver(file: string): string {
  const device = execFileSync("losetup", ["--find", "--show", file]).toString().trim();
  onTestFinished(() => void execFileSync("losetup", ["--detach", device]));
  return device;
}

function works(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
