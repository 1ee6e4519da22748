import { statSync } from "node:fs";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describeBlockDevice } from "@blkmig/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import type { BlockDevice, Extent } from "./block-device.ts";
import { openDisk } from "./open-disk.ts";
import { type Syscalls, loadSyscalls } from "./syscalls.ts";

const MiB = 2 ** 20;
const syscalls = await loadSyscalls();
const noSyscalls = syscalls === undefined;

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blkmig-disk-"));
});
afterAll(async () => rm(folder, { recursive: true }));

const devices: BlockDevice[] = [];
afterEach(async () => {
  for (const device of devices.splice(0)) await device.close();
});

async function garbageFile(size: number): Promise<string> {
  files += 1;
  const path = join(folder, `${files}.raw`);
  await writeFile(path, new Uint8Array(size).fill(0xe7));
  return path;
}

async function sparseFile(size: number): Promise<string> {
  const path = await garbageFile(0);
  const file = await open(path, "r+");
  await file.truncate(size);
  await file.close();
  return path;
}

async function opened(path: string, options: { syscalls?: Syscalls | "none"; readOnly?: boolean } = {}) {
  const disk = await openDisk(path, { name: "vda", ...options });
  devices.push(disk);
  return disk;
}

async function extentsOf(device: BlockDevice, offset = 0, length = device.size - offset): Promise<Extent[]> {
  const extents: Extent[] = [];
  for await (const extent of device.extents(offset, length)) extents.push(extent);
  return extents;
}

async function contractDisk(size: number, options: { syscalls?: "none" }) {
  const path = await garbageFile(size);
  return {
    device: await openDisk(path, options),
    reopen: async () => openDisk(path, options),
    reopenReadOnly: async () => openDisk(path, { ...options, readOnly: true }),
    cleanup: async () => rm(path),
  };
}

describe.skipIf(noSyscalls)("with system calls (needs koffi)", () => {
  describeBlockDevice("a file", async (size) => contractDisk(size, {}), ["writable", "read-only"]);

  test("a file is its data and its holes, clipped to what was asked", async () => {
    const disk = await opened(await sparseFile(4 * MiB + 100));
    await disk.write(MiB, [new Uint8Array(MiB).fill(1)]);
    await disk.write(4 * MiB, [new Uint8Array(100).fill(1)]);
    expect(await extentsOf(disk)).toEqual([
      { offset: 0, length: MiB, zero: true, allocated: false },
      { offset: MiB, length: MiB, zero: false, allocated: true },
      { offset: 2 * MiB, length: 2 * MiB, zero: true, allocated: false },
      { offset: 4 * MiB, length: 100, zero: false, allocated: true },
    ]);
    expect(await extentsOf(disk, MiB + 1, 10)).toEqual([{ offset: MiB + 1, length: 10, zero: false, allocated: true }]);
    expect(await extentsOf(disk, 3, MiB)).toEqual([
      { offset: 3, length: MiB - 3, zero: true, allocated: false },
      { offset: MiB, length: 3, zero: false, allocated: true },
    ]);
  });

  test("terabytes of nothing are one extent, and cost one look", async () => {
    const looks = countingLooks();
    const disk = await opened(await sparseFile(2 ** 42 + 5), { syscalls: looks.syscalls });
    expect(await extentsOf(disk)).toEqual([{ offset: 0, length: 2 ** 42 + 5, zero: true, allocated: false }]);
    expect(looks.count()).toBe(1);
  });

  test("who stops asking for extents stops the looking", async () => {
    const looks = countingLooks();
    const disk = await opened(await sparseFile(64 * MiB), { syscalls: looks.syscalls });
    for (let at = 0; at < 64; at += 2) await disk.write(at * MiB, [new Uint8Array(4096).fill(1)]);
    for await (const extent of disk.extents(0, disk.size)) {
      if (extent.zero) break;
    }
    expect(looks.count()).toBeLessThan(5);
  });

  test("what lies behind the end of a file that shrank is no hole", async () => {
    const path = await garbageFile(MiB);
    const disk = await opened(path);
    const file = await open(path, "r+");
    await file.truncate(4096);
    await file.close();
    expect((await extentsOf(disk)).every(({ zero }) => !zero)).toBe(true);
    await expect(disk.read(0, new Uint8Array(MiB))).rejects.toMatchObject({
      code: "short",
      offset: 4096,
      message: "disk 'vda': read of 1048576 bytes at 0 ended after 4096 bytes: it is shorter than when it was opened",
    });
  });

  test("data that is punched out between two seeks becomes a hole, not an endless search", async () => {
    const path = await sparseFile(8192);
    const answers = [0, 8192];
    const racing = { ...(syscalls as Syscalls), seekData: () => answers.shift(), seekHole: () => 0 };
    const disk = await opened(path, { syscalls: racing });
    expect(await extentsOf(disk)).toEqual([{ offset: 0, length: 8192, zero: true, allocated: false }]);
  });

  test("a file system that knows no holes has only data", async () => {
    const refusing = { ...(syscalls as Syscalls), seekData: () => refuse("EINVAL") };
    const disk = await opened(await sparseFile(8192), { syscalls: refusing });
    expect(await extentsOf(disk)).toEqual([{ offset: 0, length: 8192, zero: false, allocated: true }]);
  });

  test("zeroing gives storage back, or keeps it when told", async () => {
    const path = await garbageFile(8 * MiB);
    const disk = await opened(path);
    await disk.flush();
    const blocks = statSync(path).blocks;
    await disk.zero(0, 4 * MiB, { unmap: false });
    await disk.flush();
    expect(statSync(path).blocks).toBeGreaterThanOrEqual(blocks);
    await disk.zero(0, 4 * MiB);
    await disk.flush();
    expect(statSync(path).blocks).toBeLessThanOrEqual(blocks / 2 + 16);
  });

  test.each([["EOPNOTSUPP"], ["ENOSYS"]])("where the system says %s to zeroing, zeroes are written", async (code) => {
    const refusing = {
      ...(syscalls as Syscalls),
      punchHole: async () => refuse(code),
      zeroRange: async () => refuse(code),
    };
    const disk = await opened(await garbageFile(MiB), { syscalls: refusing });
    await disk.zero(5, MiB - 10);
    const content = new Uint8Array(MiB);
    await disk.read(0, content);
    expect(content.subarray(5, MiB - 5).every((byte) => byte === 0)).toBe(true);
    expect([content[4], content[MiB - 5]]).toEqual([0xe7, 0xe7]);
  });

  test.each([{ unmap: true }, { unmap: false }])(
    "zeroing is fast, $unmap, or refused, and then nothing is written",
    async ({ unmap }) => {
      const content = new Uint8Array(MiB);
      const quick = await opened(await garbageFile(MiB));
      await quick.zero(5, MiB - 10, { unmap, fast: true });
      await quick.read(0, content);
      expect(content.filter((byte) => byte !== 0)).toHaveLength(10);

      const no = async () => refuse("EOPNOTSUPP");
      const slow = await opened(await garbageFile(MiB), {
        syscalls: { ...(syscalls as Syscalls), punchHole: no, zeroRange: no },
      });
      const refused = slow.zero(5, MiB - 10, { unmap, fast: true });
      await expect(refused).rejects.toMatchObject({
        name: "DeviceError",
        code: "not-supported",
        device: "vda",
        offset: 5,
      });
      await slow.read(0, content);
      expect(content.every((byte) => byte === 0xe7)).toBe(true);
    },
  );

  test("an error that is more than a refusal is told", async () => {
    const failing = { ...(syscalls as Syscalls), punchHole: async () => refuse("EIO") };
    const disk = await opened(await garbageFile(MiB), { syscalls: failing });
    await expect(disk.zero(512, 512)).rejects.toMatchObject({
      code: "io",
      offset: 512,
      message: expect.stringMatching(/zeroing of 512 bytes/),
    });
  });
});

describe("without system calls", () => {
  describeBlockDevice("a file", async (size) => contractDisk(size, { syscalls: "none" }), ["writable", "read-only"]);

  test("a file is one extent of data", async () => {
    const disk = await opened(await sparseFile(2 ** 40), { syscalls: "none" });
    expect(await extentsOf(disk, 7)).toEqual([{ offset: 7, length: 2 ** 40 - 7, zero: false, allocated: true }]);
  });

  test("no zeroing is faster than writing", async () => {
    const disk = await opened(await garbageFile(4096), { syscalls: "none" });
    await expect(disk.zero(0, 512, { fast: true })).rejects.toMatchObject({ code: "not-supported" });
    await disk.zero(0, 0, { fast: true });
  });

  test("zeroing more than one write's worth", async () => {
    const disk = await opened(await garbageFile(40 * MiB), { syscalls: "none" });
    await disk.zero(1, 40 * MiB - 2);
    const content = new Uint8Array(40 * MiB);
    await disk.read(0, content);
    expect([content[0], content.indexOf(0), content.lastIndexOf(0), content.at(-1)]).toEqual([
      0xe7,
      1,
      40 * MiB - 2,
      0xe7,
    ]);
    expect(content.filter((byte) => byte !== 0)).toHaveLength(2);
  });
});

function countingLooks() {
  let looks = 0;
  const real = syscalls as Syscalls;
  const seekData = (fd: number, from: number) => {
    looks += 1;
    return real.seekData(fd, from);
  };
  return { syscalls: { ...real, seekData }, count: () => looks };
}

function refuse(code: string): never {
  throw Object.assign(new Error(code), { code });
}
