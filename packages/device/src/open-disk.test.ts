import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, open, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import type { Extent } from "./block-device.ts";
import { identifyDisk, sameDisk } from "./disk-identity.ts";
import { type OpenDisk, type OpenDiskOptions, openDisk } from "./open-disk.ts";
import { loadSyscalls, type Syscalls } from "./syscalls.ts";

const isRoot = process.getuid?.() === 0;
const noTmpfs = !isRoot || process.platform !== "linux";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blkmig-open-"));
  path = join(folder, "disk.raw");
  await writeFile(path, new Uint8Array(1536).fill(1));
});
afterAll(async () => rm(folder, { recursive: true }));

const disks: OpenDisk[] = [];
afterEach(async () => {
  for (const disk of disks.splice(0)) await disk.close();
});
async function opened(at: string, options?: OpenDiskOptions): Promise<OpenDisk> {
  const disk = await openDisk(at, options);
  disks.push(disk);
  return disk;
}

/** Root may do everything, so root does this as nobody. */
async function asOrdinaryUser(work: () => Promise<void>): Promise<void> {
  if (isRoot) process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

describe("opening", () => {
  test("a file is called by its path unless it has a name", async () => {
    const disk = await opened(path, { readOnly: true });
    expect(disk).toMatchObject({ name: path, path, kind: "file", size: 1536, readOnly: true });
    expect(await opened(path, { readOnly: true, name: "vda" })).toMatchObject({ name: "vda", path });
  });

  test("a symbolic link leads to the disk", async () => {
    const link = join(folder, "link");
    await symlink(path, link);
    const disk = await opened(link);
    expect(disk.size).toBe(1536);
    expect(sameDisk(disk.identity, await identifyDisk(path))).toBe(true);
  });

  test.each([
    ["nothing there", "missing", "not-found"],
    ["a folder", ".", "not-a-disk"],
    ["something behind a file", "disk.raw/x", "not-found"],
    ["a character device", "/dev/zero", "not-a-disk"],
  ])("%s is refused", async (_, where, code) => {
    const at = where.startsWith("/") ? where : join(folder, where);
    await expect(openDisk(at, { name: "vda" })).rejects.toMatchObject({ name: "DeviceError", code, device: "vda" });
  });

  test("a pipe is refused, and not waited for", async () => {
    const pipe = join(folder, "pipe");
    expect(spawnSync("mkfifo", [pipe]).status).toBe(0);
    await expect(openDisk(pipe, { readOnly: true })).rejects.toMatchObject({ code: "not-a-disk" });
  });

  test("what may not be written may be read", async () => {
    const own = join(folder, "read-only.raw");
    await writeFile(own, "x");
    await chmod(own, 0o444);
    await chmod(folder, 0o755);
    await asOrdinaryUser(async () => {
      await expect(openDisk(own)).rejects.toMatchObject({ code: "not-permitted" });
      expect((await opened(own, { readOnly: true })).size).toBe(1);
    });
  });

  test("BLKMIG_NO_FFI=1 does without system calls", async () => {
    expect(await loadSyscalls({ BLKMIG_NO_FFI: "1" })).toBeUndefined();
  });
});

describe("unchanged()", () => {
  test("a file that nobody touched is unchanged, though it was read", async () => {
    const disk = await opened(path, { readOnly: true });
    await disk.read(0, new Uint8Array(1536));
    expect(await disk.unchanged()).toBe(true);
  });

  test.each([
    ["grew", async (own: string) => withFile(own, async (file) => file.truncate(8192))],
    ["has another time of writing", async (own: string) => utimes(own, 1, 1)],
    ["was written with its time set back", writtenInSecret],
  ])("a file that %s is not", async (_, touch) => {
    const own = join(folder, "touched.raw");
    await writeFile(own, new Uint8Array(4096));
    await utimes(own, 5, 5);
    const disk = await opened(own, { readOnly: true });
    await touch(own);
    expect(await disk.unchanged()).toBe(false);
  });

  test("a closed disk does not know", async () => {
    const disk = await opened(path, { readOnly: true });
    await disk.close();
    await expect(disk.unchanged()).rejects.toMatchObject({ code: "closed" });
  });
});

describe.skipIf(noTmpfs)("on a small tmpfs (needs root)", () => {
  let mount: string;
  beforeAll(async () => {
    mount = await mkdtemp(join(tmpdir(), "blkmig-small-"));
    spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", mount]);
  });
  afterAll(async () => {
    spawnSync("umount", [mount]);
    await rm(mount, { recursive: true });
  });

  test.each<[string, OpenDiskOptions]>([
    ["with system calls", {}],
    ["without them", { syscalls: "none" }],
  ])("a full file system is no-space, and says where, %s", async (name, options) => {
    const own = join(mount, `${name}.raw`);
    await writeFile(own, "");
    await withFile(own, async (file) => file.truncate(8 << 20));
    const disk = await opened(own, { ...options, name: "vda" });
    const writing = disk.write(4096, [new Uint8Array(2 << 20).fill(1)]);
    await expect(writing).rejects.toMatchObject({
      code: "no-space",
      message: expect.stringMatching(
        /^disk 'vda': write of 2097152 bytes at 4096, after \d+ of them, failed: no space left on device \(ENOSPC\)$/,
      ),
      cause: expect.objectContaining({ code: "ENOSPC" }),
    });
    await disk.close();
    await rm(own);
  });

  test("a disk without holes is not searched for them, and one that got a hole is", async () => {
    const own = join(mount, "dense.raw");
    await writeFile(own, new Uint8Array(512 * 1024).fill(7));
    const here = await loadSyscalls();
    if (!here) throw new Error("needs system calls");
    let searches = 0;
    const seekHole: Syscalls["seekHole"] = (fd, from) => {
      searches += 1;
      return here.seekHole(fd, from);
    };
    const disk = await opened(own, { syscalls: { ...here, seekHole } });
    const holes = async (): Promise<readonly Extent[]> => {
      const found: Extent[] = [];
      for await (const extent of disk.extents(0, disk.size)) if (extent.zero) found.push(extent);
      return found;
    };
    expect([await holes(), searches]).toEqual([[], 0]);
    await disk.zero(65536, 131072);
    expect(await holes()).toEqual([{ offset: 65536, length: 131072, zero: true, allocated: false }]);
    await disk.close();
    await rm(own);
  });

  test("a read-only file system refuses to be written, and can be read", async () => {
    const own = join(mount, "kept.raw");
    await writeFile(own, "x");
    expect(spawnSync("mount", ["-o", "remount,ro", mount]).status).toBe(0);
    try {
      await expect(openDisk(own)).rejects.toMatchObject({ code: "read-only" });
      expect((await opened(own, { readOnly: true })).size).toBe(1);
    } finally {
      spawnSync("mount", ["-o", "remount,rw", mount]);
    }
  });
});

async function withFile(at: string, work: (file: Awaited<ReturnType<typeof open>>) => Promise<void>): Promise<void> {
  const file = await open(at, "r+");
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

/** Same size, same time of writing; but the time of change is the kernel's own. */
async function writtenInSecret(at: string): Promise<void> {
  await withFile(at, async (file) => {
    await file.write("secret", 0);
    await file.utimes(5, 5);
  });
}
