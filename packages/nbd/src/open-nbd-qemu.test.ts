import { truncateSync, writeFileSync } from "node:fs";

import { describeBlockDevice } from "@blkmig/testkit";
import { afterAll, afterEach, describe, expect, it } from "vitest";

import { hasQemuNbd, Programs, run } from "./client-programs.test-kit.ts";
import type { NbdDevice } from "./nbd-contract.ts";
import { openNbd } from "./open-nbd.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

describe.skipIf(!hasQemuNbd)("openNbd and qemu-nbd (skipped without the program qemu-nbd)", () => {
  const programs = new Programs();
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });
  afterAll(async () => programs.end());

  async function opened(...args: readonly string[]): Promise<NbdDevice> {
    const server = await programs.qemuNbd(args);
    ends.push(server.kill);
    const device = await openNbd(server.url);
    ends.push(device.close);
    return device;
  }

  function rawFile(size: number, fill = 0): string {
    const path = programs.freshPath("raw");
    writeFileSync(path, fill === 0 ? "" : new Uint8Array(size).fill(fill));
    truncateSync(path, size);
    return path;
  }

  describeBlockDevice(
    "a raw file behind qemu-nbd",
    async (size) => {
      const server = await programs.qemuNbd(["-f", "raw", "-e", "4", "--discard=unmap", rawFile(size, 0xee)]);
      return {
        device: await openNbd(server.url),
        reopen: async () => openNbd(server.url),
        reopenReadOnly: async () => openNbd(server.url, { readOnly: true }),
        cleanup: server.kill,
      };
    },
    ["writable", "read-only"],
  );

  it("knows which part of an overlay is its own, and which its base's", async () => {
    const base = rawFile(4 * MiB, 7);
    const top = programs.freshPath("qcow2");
    run("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", top, "8M");
    run("qemu-io", "-f", "qcow2", "-c", "write -P 9 1M 1M", "-c", "write -z -u 2M 1M", top);
    const device = await opened("-f", "qcow2", "--allocation-depth", top);
    expect(device.features).toMatchObject({ allocation: true, allocationDepth: true });
    expect(await collect(device.extents(0, 8 * MiB))).toEqual([
      { offset: 0, length: MiB, zero: false, allocated: false },
      { offset: MiB, length: MiB, zero: false, allocated: true },
      { offset: 2 * MiB, length: MiB, zero: true, allocated: true },
      { offset: 3 * MiB, length: MiB, zero: false, allocated: false },
      { offset: 4 * MiB, length: 4 * MiB, zero: true, allocated: false },
    ]);
    const into = new Uint8Array(3 * MiB);
    await device.read(512 * KiB, into);
    expect([into[0], into[512 * KiB], into[1536 * KiB], into[2560 * KiB]]).toEqual([7, 9, 0, 7]);
  });

  it("zeroes with and without giving storage back", async () => {
    const path = rawFile(4 * MiB, 7);
    const device = await opened("-f", "raw", "--discard=unmap", path);
    await device.zero(0, MiB);
    await device.zero(MiB, MiB, { unmap: false });
    await device.flush();
    const into = new Uint8Array(4 * MiB);
    await device.read(0, into);
    expect(into.findIndex((byte) => byte !== 0)).toBe(2 * MiB);
    const [first] = await collect(device.extents(0, MiB));
    expect(first).toEqual({ offset: 0, length: MiB, zero: true, allocated: false });
  });

  it("uses as many connections as the server gives, and lives with fewer", async () => {
    // It takes two of our connections, and leaves the others waiting at its door.
    const device = await opened("-f", "raw", "-r", "-e", "2", rawFile(8 * MiB, 3));
    expect([device.readOnly, device.features.multiConn]).toEqual([true, true]);
    const into = new Uint8Array(8 * MiB);
    await device.read(0, into);
    expect(into.every((byte) => byte === 3)).toBe(true);
  });

  it("shows what a dirty bitmap calls written, and only the bitmap that was asked for", async () => {
    const path = programs.freshPath("qcow2");
    const huge = 3 * 1024 * MiB;
    run("qemu-img", "create", "-q", "-f", "qcow2", path, String(huge));
    run("qemu-img", "bitmap", "--add", "-g", "64k", path, "n1");
    const writes = ["write 100k 4k", "write -z 1M 128k", `write ${1024 * MiB - 4 * KiB} 8k`, `write ${huge - 512} 512`];
    run("qemu-io", "-f", "qcow2", ...writes.flatMap((write) => ["-c", write]), path);
    const server = await programs.qemuNbd(["-f", "qcow2", "-r", "-e", "8", "-B", "n1", path]);
    ends.push(server.kill);
    const device = await openNbd(server.url, { dirtyBitmap: "n1" });
    ends.push(device.close);
    expect(await collect(device.dirty(0, huge))).toEqual([
      { offset: 0, length: 64 * KiB, dirty: false },
      { offset: 64 * KiB, length: 64 * KiB, dirty: true },
      { offset: 128 * KiB, length: MiB - 128 * KiB, dirty: false },
      { offset: MiB, length: 128 * KiB, dirty: true },
      { offset: MiB + 128 * KiB, length: 1023 * MiB - 192 * KiB, dirty: false },
      { offset: 1024 * MiB - 64 * KiB, length: 128 * KiB, dirty: true },
      { offset: 1024 * MiB + 64 * KiB, length: 2048 * MiB - 128 * KiB, dirty: false },
      { offset: huge - 64 * KiB, length: 64 * KiB, dirty: true },
    ]);
    expect(await collect(device.dirty(70_001, 3))).toEqual([{ offset: 70_001, length: 3, dirty: true }]);
    for (const other of ["n2", "", "n1 "]) {
      await expect(openNbd(server.url, { dirtyBitmap: other })).rejects.toMatchObject({
        name: "NbdError",
        code: "option",
        message: expect.stringContaining(`'${other}'`),
      });
    }
  });

  it("opens an export by its name, and says which one is not there", async () => {
    const server = await programs.qemuNbd(["-f", "raw", "-x", "a/ü", rawFile(MiB)]);
    ends.push(server.kill);
    const device = await openNbd({ ...server.url, exportName: "a/ü" });
    expect(device.size).toBe(MiB);
    await device.close();
    await expect(openNbd({ ...server.url, exportName: "b" })).rejects.toMatchObject({ code: "unknown-export" });
  });
});

async function collect<T>(extents: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const extent of extents) collected.push(extent);
  return collected;
}
