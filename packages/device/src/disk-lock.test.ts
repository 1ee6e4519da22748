import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { type ByteLock, parseByteLocks } from "./disk-lock-proc.ts";
import { type OpenDisk, type OpenDiskOptions, openDisk } from "./open-disk.ts";
import { loadSyscalls } from "./syscalls.ts";

const noQemu = spawnSync("qemu-io", ["--version"]).status !== 0;
const noSyscalls = (await loadSyscalls()) === undefined;

let folder: string;
let path: string;
const ends: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "blkmig-lock-"));
  path = join(folder, "disk.raw");
  const file = await open(path, "w");
  await file.truncate(1 << 20);
  await file.close();
});

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await rm(folder, { recursive: true });
});

async function opened(options: OpenDiskOptions = {}): Promise<OpenDisk> {
  const disk = await openDisk(path, { name: "vda", ...options });
  ends.push(async () => disk.close());
  return disk;
}

describe.skipIf(noSyscalls)("our locks (needs koffi)", () => {
  test("two readers of one disk get along", async () => {
    expect((await opened({ readOnly: true })).locked).toBe(true);
    expect((await opened({ readOnly: true })).locked).toBe(true);
  });

  test("a target that is being sent is refused, in one process too", async () => {
    await opened({ readOnly: true });
    await expect(opened()).rejects.toMatchObject({
      code: "in-use",
      message: expect.stringMatching(/^disk 'vda': another process lets nobody write it .*byte 201\).*--force in-use$/),
    });
  });

  test("a source that is being written is refused", async () => {
    await opened();
    await expect(opened({ readOnly: true })).rejects.toMatchObject({
      code: "in-use",
      message: expect.stringMatching(/^disk 'vda': another process is writing it .*byte 101\).*--force in-use$/),
    });
  });

  test("two writers do not get along", async () => {
    await opened();
    await expect(opened()).rejects.toMatchObject({ code: "in-use" });
  });

  test("a refusal leaves no lock behind, and neither does close()", async () => {
    const first = await opened();
    await expect(opened()).rejects.toMatchObject({ code: "in-use" });
    await first.close();
    expect((await opened()).locked).toBe(true);
  });

  test("whoever forces it takes no lock, and neither does who asks for none", async () => {
    await opened();
    expect((await opened({ force: { inUse: true } })).locked).toBe(false);
    expect((await opened({ lock: false })).locked).toBe(false);
  });

  test("without system calls a lock is seen all the same", async () => {
    await opened();
    await expect(opened({ syscalls: "none" })).rejects.toMatchObject({
      code: "in-use",
      message: expect.stringMatching(/byte 101/),
    });
    await expect(opened({ syscalls: "none", readOnly: true })).rejects.toMatchObject({ code: "in-use" });
  });

  test("without system calls a reader's lock stands in a writer's way only", async () => {
    await opened({ readOnly: true });
    await expect(opened({ syscalls: "none" })).rejects.toMatchObject({
      code: "in-use",
      message: expect.stringMatching(/byte 201/),
    });
    expect((await opened({ syscalls: "none", readOnly: true })).locked).toBe(false);
  });
});

describe.skipIf(noQemu)("QEMU's locks (needs qemu-io)", () => {
  test.each<[string, OpenDiskOptions]>([
    ["with system calls", {}],
    ["without them", { syscalls: "none" }],
  ])("a disk that QEMU writes is refused, %s", async (_, options) => {
    await holdByQemu();
    await expect(opened({ ...options, readOnly: true })).rejects.toMatchObject({
      code: "in-use",
      message: expect.stringMatching(/byte 101/),
    });
    await expect(opened(options)).rejects.toMatchObject({ code: "in-use", message: expect.stringMatching(/byte 101/) });
    expect((await opened({ ...options, force: { inUse: true } })).locked).toBe(false);
  });

  test("a disk that QEMU reads can be sent", async () => {
    await holdByQemu("-r");
    expect((await opened({ readOnly: true })).size).toBe(1 << 20);
  });

  test("a disk is free again once QEMU has gone", async () => {
    const qemu = await holdByQemu();
    await endOf(qemu);
    expect((await opened()).size).toBe(1 << 20);
  });

  test.skipIf(noSyscalls)("QEMU refuses to write what we send, and may read it (needs koffi)", async () => {
    await opened({ readOnly: true });
    expect(runQemu()).toMatchObject({ status: 1, stderr: expect.stringMatching(/Failed to get "write" lock/) });
    expect(runQemu("-r")).toMatchObject({ status: 0 });
  });

  test.skipIf(noSyscalls)("QEMU refuses to write or copy what we write (needs koffi)", async () => {
    await opened();
    expect(runQemu()).toMatchObject({ status: 1, stderr: expect.stringMatching(/Failed to get "write" lock/) });
    const copying = ["convert", "-f", "raw", "-O", "raw", path, join(folder, "copy.raw")];
    expect(spawnSync("qemu-img", copying, { encoding: "utf8" })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/Failed to get shared "write" lock/),
    });
  });
});

describe("rows of /proc/locks", () => {
  test("byte ranges of any kind and owner", () => {
    const text = [
      "1: OFDLCK ADVISORY  READ -1 fe:00:2146519 100 101",
      "2: POSIX  ADVISORY  WRITE 815 00:1a:77 0 EOF",
      "2: -> POSIX  ADVISORY  WRITE 816 00:1a:77 0 EOF",
      "3: FLOCK  ADVISORY  WRITE 817 fe:00:99 0 EOF",
      "",
    ].join("\n");
    expect(parseByteLocks(text)).toEqual<ByteLock[]>([
      { device: "254:0", inode: "2146519", first: 100, last: 101 },
      { device: "0:26", inode: "77", first: 0, last: Infinity },
    ]);
  });
});

/** A qemu-io that has the disk open; its prompt says so. */
async function holdByQemu(...options: string[]): Promise<ChildProcess> {
  const qemu = spawn("qemu-io", [...options, "-f", "raw", path], { stdio: ["pipe", "pipe", "inherit"] });
  ends.push(async () => endOf(qemu));
  await new Promise<void>((resolve, reject) => {
    qemu.stdout.once("data", () => resolve());
    qemu.once("exit", () => reject(new Error("qemu-io ended before it had the disk")));
  });
  return qemu;
}

async function endOf(qemu: ChildProcess): Promise<void> {
  if (qemu.exitCode !== null) return;
  const gone = new Promise((resolve) => void qemu.once("exit", resolve));
  qemu.stdin?.end();
  await gone;
}

function runQemu(...options: string[]) {
  return spawnSync("qemu-io", [...options, "-f", "raw", "-c", "length", path], { encoding: "utf8" });
}
