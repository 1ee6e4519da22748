import { spawnSync } from "node:child_process";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describeBlockDevice } from "@blkmig/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { openDisk } from "./open-disk.ts";
import { type Syscalls, loadSyscalls } from "./syscalls.ts";

const MiB = 2 ** 20;
const syscalls = await loadSyscalls();
const noXfs =
  syscalls === undefined ||
  process.getuid?.() !== 0 ||
  spawnSync("losetup", ["-f"]).status !== 0 ||
  spawnSync("mkfs.xfs", ["-V"]).status !== 0;

// It writes to the page cache without waiting, which ext4 does not.
describe.skipIf(noXfs)("a file on XFS (needs koffi, root and mkfs.xfs)", () => {
  let folder: string;
  let path: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "blkmig-xfs-"));
    const [image, at] = [join(folder, "image"), join(folder, "mounted")];
    await writeFile(image, "");
    await truncate(image, 512 * MiB);
    run("mkfs.xfs", "-q", image);
    run("mkdir", at);
    run("mount", "-o", "loop", image, at);
    path = join(at, "disk.raw");
  });
  afterAll(async () => {
    run("umount", join(folder, "mounted"));
    await rm(folder, { recursive: true });
  });

  describeBlockDevice("a disk there", async (size) => {
    await writeFile(path, new Uint8Array(size).fill(0xe7));
    return { device: await openDisk(path), cleanup: async () => rm(path) };
  });

  test("segments are written at once where they belong, from the middle of their memory", async () => {
    await writeFile(path, new Uint8Array(64 * 1024).fill(0xe7));
    let taken = 0;
    const writeCached: Syscalls["writeCached"] = (...request) => {
      const count = syscalls!.writeCached(...request);
      taken += count ?? 0;
      return count;
    };
    const disk = await openDisk(path, { syscalls: { ...syscalls!, writeCached } });
    const memory = Uint8Array.from({ length: 100 }, (_, at) => at);
    const data = [memory.subarray(10, 13), new Uint8Array(0), memory.subarray(50, 51)];
    // Not at the first: a time stamp that must change first is waited for, every few milliseconds.
    for (let at = 0; at < 60_000 && taken < 40; at += 4) await disk.write(at, data);
    expect(taken).toBeGreaterThanOrEqual(40);
    const into = new Uint8Array(5);
    await disk.read(4, into);
    expect([...into]).toEqual([10, 11, 12, 50, 10]);
    await disk.close();
  });
});

function run(program: string, ...values: string[]): void {
  const { status, stderr } = spawnSync(program, values, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
}
