import type { Extent } from "@blkmig/device";
import { createRandom, describeBlockDevice } from "@blkmig/testkit";
import { afterAll, afterEach, describe, expect, it } from "vitest";

import { hasNbdkit, Programs } from "./client-programs.test-kit.ts";
import type { NbdDevice, OpenNbdOptions } from "./nbd-contract.ts";
import { openNbd } from "./open-nbd.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

describe.skipIf(!hasNbdkit)("openNbd and nbdkit (skipped without the program nbdkit)", () => {
  const programs = new Programs();
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });
  afterAll(async () => programs.end());

  async function opened(args: readonly string[], options: OpenNbdOptions = {}): Promise<NbdDevice> {
    const server = await programs.nbdkit(args);
    ends.push(server.kill);
    const device = await openNbd(server.url, options);
    ends.push(device.close);
    return device;
  }

  for (const [what, more] of [
    ["nbdkit", []],
    ["nbdkit without structured replies", ["--no-sr"]],
    ["nbdkit without zeroing", ["--filter=nozero"]],
    ["nbdkit without NO_ZEROES and GO", ["--mask-handshake=0"]],
  ] as const) {
    describeBlockDevice(
      `a disk behind ${what}`,
      async (size) => {
        const server = await programs.nbdkit([...more, "memory", `size=${size}`]);
        return {
          device: await openNbd(server.url),
          reopen: async () => openNbd(server.url),
          reopenReadOnly: async () => openNbd(server.url, { readOnly: true }),
          cleanup: server.kill,
        };
      },
      ["writable", "read-only"],
    );
  }

  it("knows what nbdkit offers", async () => {
    const device = await opened(["memory", "size=1M"], { name: "vda" });
    expect(device).toMatchObject({ name: "vda", size: MiB, readOnly: false, identity: undefined });
    expect(device.features).toEqual({
      flush: true,
      fua: true,
      trim: true,
      writeZeroes: true,
      fastZero: true,
      cache: true,
      multiConn: true,
      structured: true,
      allocation: true,
      allocationDepth: false,
    });
  });

  it("sees the holes of a sparse disk", async () => {
    const device = await opened(["data", "1 @0x80000 2 @0x100000 3", "size=2M"]);
    expect(await collect(device.extents(0, 2 * MiB))).toEqual([
      { offset: 0, length: 32 * KiB, zero: false, allocated: true },
      { offset: 32 * KiB, length: 480 * KiB, zero: true, allocated: false },
      { offset: 512 * KiB, length: 32 * KiB, zero: false, allocated: true },
      { offset: 544 * KiB, length: 480 * KiB, zero: true, allocated: false },
      { offset: MiB, length: 32 * KiB, zero: false, allocated: true },
      { offset: MiB + 32 * KiB, length: 992 * KiB, zero: true, allocated: false },
    ]);
  });

  it("looks for holes across a disk of terabytes", async () => {
    const device = await opened(["memory", "size=3T"]);
    await device.write(2 ** 41, [Uint8Array.of(1)]);
    const found = await collect(device.extents(0, device.size));
    expect(found.filter(({ zero }) => !zero).map(({ offset }) => offset)).toEqual([2 ** 41]);
    expect(found.reduce((sum, { length }) => sum + length, 0)).toBe(device.size);
  });

  it("reads a pattern in parallel, at odd places", async () => {
    const device = await opened(["pattern", "size=1G"]);
    const random = createRandom(7);
    await Promise.all(
      Array.from({ length: 200 }, async () => {
        const length = 1 + Math.floor(random.next() * 3 * MiB * random.next());
        const offset = Math.floor(random.next() * (device.size - length));
        const into = new Uint8Array(length).fill(0xa5);
        await device.read(offset, into);
        expect(isPattern(into, offset)).toBe(true);
      }),
    );
  });

  it("widens reads where only whole blocks can be read, and refuses other writes", async () => {
    const args = ["--filter=blocksize-policy", "pattern", "size=1M"];
    const policy = [
      "blocksize-minimum=4096",
      "blocksize-preferred=64K",
      "blocksize-maximum=64K",
      "blocksize-error-policy=error",
    ];
    const device = await opened([...args, ...policy]);
    expect(device.blockSizes).toEqual({ minimum: 4096, preferred: 64 * KiB, maximum: 64 * KiB });
    for (const [offset, length] of [
      [1, 1],
      [4095, 2],
      [4096, 4096],
      [1, MiB - 2],
      [0, MiB],
      [MiB - 1, 1],
    ] as const) {
      const into = new Uint8Array(length).fill(0xa5);
      await device.read(offset, into);
      expect(isPattern(into, offset)).toBe(true);
    }
  });

  it("writes and zeroes whole blocks where the server takes no others", async () => {
    const args = ["--filter=blocksize-policy", "memory", "size=3M"];
    const policy = [
      "blocksize-minimum=4096",
      "blocksize-preferred=64K",
      "blocksize-maximum=64K",
      "blocksize-error-policy=error",
    ];
    const device = await opened([...args, ...policy]);
    await device.write(4096, [new Uint8Array(MiB).fill(1)]);
    await device.zero(8192, MiB - 8192);
    const into = new Uint8Array(MiB + 4096);
    await device.read(0, into);
    expect(into.reduce((sum, byte) => sum + byte, 0)).toBe(8192);
    for (const refused of [
      async () => device.write(1, [new Uint8Array(4096)]),
      async () => device.write(0, [new Uint8Array(1)]),
      async () => device.zero(4096, 512),
    ]) {
      await expect(refused()).rejects.toMatchObject({
        code: "io",
        message: expect.stringContaining("4096 bytes only"),
      });
    }
    expect(await collect(device.extents(1, MiB))).not.toEqual([]);
  });

  it("is read-only where the server is", async () => {
    const device = await opened(["-r", "memory", "size=1M"]);
    expect(device.readOnly).toBe(true);
    await expect(device.write(0, [new Uint8Array(1)])).rejects.toMatchObject({ code: "read-only" });
    await device.flush();
  });

  it.each([
    ["ENOSPC", "no-space"],
    ["EPERM", "read-only"],
    ["EIO", "io"],
  ])("says of %s which request failed, and lives on", async (error, code) => {
    const device = await opened([
      "--filter=error",
      "memory",
      "size=1M",
      `error-pwrite=${error}`,
      "error-pwrite-rate=100%",
    ]);
    await expect(device.write(512, [new Uint8Array(512)])).rejects.toMatchObject({
      name: "DeviceError",
      code,
      offset: 512,
      message: expect.stringMatching(new RegExp(`write of 512 bytes at 512 refused by the server: ${error}`, "u")),
    });
    await device.read(0, new Uint8Array(512));
    await device.flush();
  });

  it("zeroes fast, or not at all", async () => {
    const device = await opened(["memory", "size=1M"]);
    await device.write(0, [new Uint8Array(4096).fill(1)]);
    await device.zero(0, 4096, { fast: true });
    const slow = await opened(["--filter=nozero", "memory", "size=1M", "zeromode=emulate"]);
    await expect(slow.zero(0, 4096, { fast: true })).rejects.toMatchObject({ code: "not-supported" });
  });

  it("refuses an export that is not there in the server's words", async () => {
    const server = await programs.nbdkit([
      "--filter=exportname",
      "memory",
      "size=1M",
      "exportname=a",
      "exportname-strict=true",
    ]);
    ends.push(server.kill);
    await expect(openNbd({ ...server.url, exportName: "b" })).rejects.toMatchObject({
      name: "NbdError",
      code: "unknown-export",
      message: expect.stringContaining("'b'"),
    });
    const device = await openNbd({ ...server.url, exportName: "a" });
    expect(device.size).toBe(MiB);
    await device.close();
  });

  it("refuses an oldstyle server with a sentence", async () => {
    const server = await programs.nbdkit(["-o", "memory", "size=1M"]);
    ends.push(server.kill);
    await expect(openNbd(server.url)).rejects.toMatchObject({
      code: "option",
      message: expect.stringContaining("oldstyle"),
    });
  });

  it("refuses a server that has no links, if one is asked for", async () => {
    const server = await programs.nbdkit(["memory", "size=1M"]);
    ends.push(server.kill);
    await expect(openNbd(server.url, { link: "m1:vda" })).rejects.toMatchObject({ code: "option" });
  });

  it("dials names, and addresses of both kinds", async () => {
    const server = await programs.nbdkitByTcp(["memory", "size=1M"]);
    ends.push(server.kill);
    for (const host of ["localhost", "127.0.0.1"]) {
      const device = await openNbd({ at: { kind: "tcp", host, port: server.port }, exportName: "", secure: false });
      await device.write(0, [new Uint8Array(MiB).fill(1)]);
      expect([device.url, device.name]).toEqual([`nbd://${host}:${server.port}`, `nbd://${host}:${server.port}`]);
      await device.close();
    }
  });

  it("says who is not there", async () => {
    const url = { at: { kind: "unix", path: programs.path("nobody") }, exportName: "", secure: false } as const;
    await expect(openNbd(url)).rejects.toMatchObject({ name: "NbdError", code: "connect" });
  });
});

function isPattern(bytes: Uint8Array, offset: number): boolean {
  const view = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < bytes.length; i++) {
    const at = offset + i;
    if (at % 8 === 0 || i === 0) view.setBigUint64(0, BigInt(at - (at % 8)));
    if (bytes[i] !== view.getUint8(at % 8)) return false;
  }
  return true;
}

async function collect(extents: AsyncIterable<Extent>): Promise<Extent[]> {
  const collected: Extent[] = [];
  for await (const extent of extents) collected.push(extent);
  return collected;
}
