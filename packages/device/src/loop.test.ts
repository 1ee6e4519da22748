import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describeBlockDevice } from "@blkmig/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { identifyDisk, sameDisk } from "./disk-identity.ts";
import { wholeSectors } from "./file-device-zero.ts";
import { mountedAt } from "./mounts.ts";
import { type OpenDisk, type OpenDiskOptions, openDisk } from "./open-disk.ts";
import { type Syscalls, loadSyscalls } from "./syscalls.ts";
import { trackWrites } from "./track-writes.ts";

const MiB = 2 ** 20;
const syscalls = await loadSyscalls();
const noSyscalls = syscalls === undefined;
const noMkfs = spawnSync("mkfs.ext4", ["-V"]).status !== 0;
const noSwap = spawnSync("mkswap", ["-V"]).status !== 0;

let folder: string;
let files = 0;
const noLoops = !canLoop();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blkmig-loop-"));
});
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});
afterAll(async () => rm(folder, { recursive: true }));

describe.skipIf(noLoops)("a loop device (needs losetup and root)", () => {
  describe.skipIf(noSyscalls)("with system calls (needs koffi)", () => {
    describeBlockDevice("a loop device", async (size) => contractDisk(size, {}), ["writable", "read-only"]);
    describeBlockDevice(
      "a loop device that cannot punch",
      async (size) =>
        contractDisk(size, { syscalls: { ...(syscalls as Syscalls), punchHole: async () => refuse("EOPNOTSUPP") } }),
      ["writable", "read-only"],
    );

    test("the ioctl and /sys agree on its size", async () => {
      const { device } = await loopOf(3 * MiB + 512);
      const [asked, looked] = [await opened(device, { lock: false }), await opened(device, { syscalls: "none" })];
      expect([asked.size, looked.size]).toEqual([3 * MiB + 512, 3 * MiB + 512]);
      expect(asked.kind).toBe("block");
    });

    test("the ioctl and /sys agree on its sectors, and the face of a migration has them too", async () => {
      const { device } = await loopOf(MiB, "--sector-size", "4096");
      const [asked, looked] = [await opened(device, { lock: false }), await opened(device, { syscalls: "none" })];
      expect([asked.sectorSize, looked.sectorSize]).toEqual([4096, 4096]);
      expect(trackWrites(asked, { granularity: 4096 }).disk.sectorSize).toBe(4096);
    });

    test("zeroing gives storage below back, or keeps it when told", async () => {
      const { device, file } = await loopOf(8 * MiB);
      const disk = await opened(device);
      const blocks = statSync(file).blocks;
      await disk.zero(0, 4 * MiB, { unmap: false });
      expect(statSync(file).blocks).toBeGreaterThanOrEqual(blocks);
      await disk.zero(0, 4 * MiB);
      expect(statSync(file).blocks).toBeLessThanOrEqual(blocks / 2 + 16);
    });

    test("zeroing that keeps storage may be written by the kernel, and so is not fast", async () => {
      const { device } = await loopOf(MiB);
      const disk = await opened(device);
      await disk.write(0, [new Uint8Array(8192).fill(7)]);
      await expect(disk.zero(0, 4096, { unmap: false, fast: true })).rejects.toMatchObject({ code: "not-supported" });
      await disk.zero(4096, 4096, { fast: true });
      const content = new Uint8Array(8192);
      await disk.read(0, content);
      expect([content.lastIndexOf(7), content[4096]]).toEqual([4095, 0]);
    });

    test("the system is asked for whole sectors only", async () => {
      const asked: number[][] = [];
      const zeroOut = async (fd: number, offset: number, length: number) => {
        asked.push([offset, length]);
        await (syscalls as Syscalls).zeroOut(fd, offset, length);
      };
      const { device } = await loopOf(MiB);
      const disk = await opened(device, { syscalls: { ...(syscalls as Syscalls), zeroOut } });
      await disk.zero(100, 5000, { unmap: false });
      await disk.zero(600, 300, { unmap: false });
      expect(asked).toEqual([[512, 4096]]);
    });
  });

  describeBlockDevice("a loop device without system calls", async (size) => contractDisk(size, { syscalls: "none" }), [
    "writable",
    "read-only",
  ]);

  test("all of it is data, and it is always unchanged", async () => {
    const { device } = await loopOf(MiB);
    const disk = await opened(device);
    for await (const extent of disk.extents(0, MiB)) {
      expect(extent).toEqual({ offset: 0, length: MiB, zero: false, allocated: true });
    }
    await disk.write(0, [new Uint8Array(512)]);
    expect(await disk.unchanged()).toBe(true);
  });

  test("it is the same disk as the file below, and as no other", async () => {
    const { device, file } = await loopOf(MiB);
    const other = await loopOf(MiB);
    const [loop, below, foreign] = [
      await identifyDisk(device),
      await identifyDisk(file),
      await identifyDisk(other.device),
    ];
    expect(sameDisk(loop, below)).toBe(true);
    expect(sameDisk(below, loop)).toBe(true);
    expect(sameDisk(loop, loop)).toBe(true);
    expect(sameDisk(loop, foreign)).toBe(false);
    expect(sameDisk(below, foreign)).toBe(false);
  });

  test.skipIf(noSyscalls)("locks lie on it as on a file (needs koffi)", async () => {
    const { device } = await loopOf(MiB);
    await opened(device, { readOnly: true });
    await expect(openDisk(device)).rejects.toMatchObject({ code: "in-use" });
    await expect(openDisk(device, { syscalls: "none" })).rejects.toMatchObject({ code: "in-use" });
  });

  test.skipIf(noSwap)("swap space is in use as if it were mounted (needs mkswap)", async () => {
    const { device, file } = await loopOf(MiB);
    run("mkswap", device);
    run("swapon", device);
    ends.push(() => run("swapoff", device));
    for (const path of [device, file]) {
      expect(await mountedAt({ identity: await identifyDisk(path) })).toEqual([{ path: "swap", readOnly: false }]);
    }
  });

  describe.skipIf(noMkfs)("mounted (needs mkfs.ext4)", () => {
    test("it says where, and so does the file below", async () => {
      const { device, file } = await loopOf(4 * MiB);
      run("mkfs.ext4", "-q", device);
      const at = join(folder, "a mount");
      run("mkdir", at);
      expect(await mountedAt({ identity: await identifyDisk(device) })).toEqual([]);
      run("mount", device, at);
      ends.push(() => run("umount", at));
      for (const path of [device, file]) {
        expect(await mountedAt({ identity: await identifyDisk(path) })).toEqual([{ path: at, readOnly: false }]);
      }
    });

    test("read-only is of the file system, not of the view", async () => {
      const { device } = await loopOf(4 * MiB);
      run("mkfs.ext4", "-q", device);
      const [at, view] = [join(folder, "whole"), join(folder, "view")];
      run("mkdir", at, view);
      run("mount", "-o", "ro", device, at);
      ends.push(() => run("umount", at));
      const identity = await identifyDisk(device);
      expect(await mountedAt({ identity })).toEqual([{ path: at, readOnly: true }]);
      run("mount", "-o", "remount,rw", at);
      run("mount", "--bind", at, view);
      ends.push(() => run("umount", view));
      run("mount", "-o", "remount,bind,ro", view);
      expect(await mountedAt({ identity })).toEqual([
        { path: at, readOnly: false },
        { path: view, readOnly: false },
      ]);
    });

    test("a mounted partition is the whole disk's", async () => {
      const { device, file } = await loopOf(8 * MiB);
      await writeFile(device, onePartition(2048, 8192));
      run("partx", "-a", device);
      ends.push(() => run("partx", "-d", device));
      run("mkfs.ext4", "-q", `${device}p1`);
      const at = join(folder, "partition");
      run("mkdir", at);
      run("mount", `${device}p1`, at);
      ends.push(() => run("umount", at));
      for (const path of [`${device}p1`, device, file]) {
        expect(await mountedAt({ identity: await identifyDisk(path) })).toEqual([{ path: at, readOnly: false }]);
      }
    });
  });
});

test("the whole sectors of an extent", () => {
  expect(wholeSectors(100, 5100, 512)).toEqual({ from: 512, to: 4608 });
  expect(wholeSectors(512, 1024, 512)).toEqual({ from: 512, to: 1024 });
  expect(wholeSectors(513, 1535, 512)).toEqual({ from: 513, to: 513 });
  expect(wholeSectors(100, 300, 512)).toEqual({ from: 100, to: 100 });
});

/** An MBR partition table with one Linux partition; in sectors. */
function onePartition(start: number, length: number): Uint8Array {
  const table = new DataView(new ArrayBuffer(512));
  table.setUint8(446 + 4, 0x83);
  table.setUint32(446 + 8, start, true);
  table.setUint32(446 + 12, length, true);
  table.setUint16(510, 0xaa55, true);
  return new Uint8Array(table.buffer);
}

function canLoop(): boolean {
  if (process.getuid?.() !== 0) return false;
  return spawnSync("losetup", ["-f"]).status === 0;
}

/** A loop device over a file full of garbage, until the test ends. */
async function loopOf(size: number, ...more: readonly string[]): Promise<{ device: string; file: string }> {
  files += 1;
  const file = join(folder, `${files}.raw`);
  await writeFile(file, new Uint8Array(size).fill(0xe7));
  const device = run("losetup", "-f", "--show", ...more, file).trim();
  ends.push(() => run("losetup", "-d", device));
  return { device, file };
}

async function opened(path: string, options?: OpenDiskOptions): Promise<OpenDisk> {
  const disk = await openDisk(path, options);
  ends.push(async () => disk.close());
  return disk;
}

async function contractDisk(size: number, options: OpenDiskOptions) {
  const { device } = await loopOf(size);
  return {
    device: await openDisk(device, options),
    reopen: async () => openDisk(device, options),
    reopenReadOnly: async () => openDisk(device, { ...options, readOnly: true }),
    cleanup: async () => {},
  };
}

function run(program: string, ...values: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, values, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${values.join(" ")}: ${stderr}`, { cause: error });
  return stdout;
}

function refuse(code: string): never {
  throw Object.assign(new Error(code), { code });
}
