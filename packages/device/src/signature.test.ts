import { spawnSync } from "node:child_process";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { openDisk } from "./open-disk.ts";
import { SIGNATURES } from "./signature-table.ts";
import { readSignature } from "./signature.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blkmig-signature-"));
});
afterAll(async () => rm(folder, { recursive: true }));

function diskOf(bytes: Uint8Array) {
  return {
    size: bytes.length,
    read: async (at: number, into: Uint8Array) => into.set(bytes.subarray(at, at + into.length)),
  };
}

test.each([0, 1, 511, 4096, 1 << 20])("a disk of %i bytes without a signature has none", async (size) => {
  expect(await readSignature(diskOf(new Uint8Array(size)))).toBeUndefined();
  expect(await readSignature(diskOf(new Uint8Array(size).fill(0xe7)))).toBeUndefined();
});

test.each(SIGNATURES)("%s, by its bytes at %i, and not by a part of them", async (what, offset, magic) => {
  const bytes = new Uint8Array(offset + magic.length);
  bytes.set(Buffer.from(magic, "latin1"), offset);
  expect(await readSignature(diskOf(bytes))).toBe(what);
  expect(await readSignature(diskOf(bytes.subarray(0, -1)))).toBeUndefined();
});

test("a GPT is told, not the MBR that protects it", async () => {
  const bytes = new Uint8Array(4096);
  bytes.set(Buffer.from("\x55\xaaEFI PART", "latin1"), 510);
  expect(await readSignature(diskOf(bytes))).toBe("a GPT partition table");
});

// `DISK` stands for the disk's path.
const MAKERS = [
  ["mkfs.ext4 -q -F DISK", "an ext4 file system"],
  ["mkfs.ext2 -q -F DISK", "an ext4 file system"],
  ["mkfs.xfs -q DISK", "an xfs file system"],
  ["mkfs.btrfs -q DISK", "a btrfs file system"],
  ["mkfs.vfat DISK", "a vfat file system"],
  ["mkfs.ntfs -q -F DISK", "an ntfs file system"],
  ["mkswap DISK", "swap space"],
  ["cryptsetup luksFormat -q --pbkdf-force-iterations 4 --pbkdf-memory 32 -d /etc/hostname DISK", "LUKS encryption"],
  ["qemu-img create -q -f qcow2 DISK 1M", "a qcow2 image"],
  ["qemu-img create -q -f vmdk DISK 1M", "a vmdk image"],
  ["qemu-img create -q -f vdi DISK 1M", "a vdi image"],
  ["qemu-img create -q -f vhdx DISK 1M", "a vhdx image"],
] as const;

describe.each(MAKERS)("%s", (command, what) => {
  const [program = "", ...rest] = command.split(" ");
  test.skipIf(spawnSync("which", [program]).status !== 0)(`makes ${what} (needs ${program})`, async () => {
    const path = join(folder, `${program}.img`);
    await writeFile(path, "");
    await truncate(path, 512 << 20);
    const values = rest.map((value) => value.replace("DISK", path));
    expect(spawnSync(program, values, { encoding: "utf8" })).toMatchObject({ status: 0 });
    const disk = await openDisk(path, { readOnly: true });
    expect(await readSignature(disk)).toBe(what);
    await disk.close();
    await rm(path);
  });
});
