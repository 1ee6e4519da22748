import { readSync, writeSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describeBlockDevice } from "@blkmig/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import type { BlockDevice } from "./block-device.ts";
import { openDisk } from "./open-disk.ts";
import type { OpenFile } from "./open-file.ts";
import { withPageCache } from "./page-cache.ts";
import { type Syscalls, loadSyscalls } from "./syscalls.ts";

const KiB = 1024;
const syscalls = await loadSyscalls();

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blkmig-cache-"));
});
afterAll(async () => rm(folder, { recursive: true }));

const devices: BlockDevice[] = [];
afterEach(async () => {
  for (const device of devices.splice(0)) await device.close();
});

type Cached = Pick<Syscalls, "readCached" | "writeCached">;

describe.skipIf(syscalls === undefined)("a file and the page cache (needs koffi)", () => {
  describeBlockDevice(
    "a file of which the page cache holds some, now and then",
    async (size) => {
      const path = await garbageFile(size);
      const open = async (readOnly: boolean) => openDisk(path, { syscalls: withCached(nowAndThen()), readOnly });
      return {
        device: await open(false),
        reopen: async () => open(false),
        reopenReadOnly: async () => open(true),
        cleanup: async () => rm(path),
      };
    },
    ["writable", "read-only"],
  );

  test("a read from the middle of a buffer's memory lands there, whoever copies it", async () => {
    const path = await garbageFile(8 * KiB);
    const disk = await openDisk(path);
    devices.push(disk);
    const around = new Uint8Array(5000);
    for (let time = 0; time < 3; time++) await disk.read(100, around.fill(1).subarray(7, 4103));
    expect([around.indexOf(0xe7), around.lastIndexOf(0xe7)]).toEqual([7, 4102]);
  });

  test("a page cache that has nothing is not the end of the file", async () => {
    const disk = await openDisk(await garbageFile(8 * KiB), {
      syscalls: withCached({ readCached: () => 0, writeCached: () => 0 }),
    });
    devices.push(disk);
    const into = new Uint8Array(10);
    await disk.read(8 * KiB - 10, into);
    await disk.write(0, [into]);
    expect(into.every((byte) => byte === 0xe7)).toBe(true);
  });
});

describe("what is asked of the page cache", () => {
  test("small requests only: more is a thread's work", async () => {
    const { file, asked } = counted({ readCached: (_, into) => into.length, writeCached: () => 128 * KiB });
    expect(await file.read(new Uint8Array(128 * KiB), 0)).toBe(128 * KiB);
    expect(await file.write([new Uint8Array(64 * KiB), new Uint8Array(64 * KiB)], 0)).toBe(128 * KiB);
    expect(asked).toEqual({ cached: 2, file: 0 });
    await file.read(new Uint8Array(128 * KiB + 1), 0);
    await file.write([new Uint8Array(64 * KiB), new Uint8Array(64 * KiB + 1)], 0);
    expect(asked).toEqual({ cached: 2, file: 2 });
  });

  test.each(["EOPNOTSUPP", "ENOSYS", "EINVAL"])("once, where the file system says %s", async (code) => {
    const { file, asked } = counted({ readCached: () => refuse(code), writeCached: () => refuse(code) });
    for (let time = 0; time < 100; time++) {
      await file.read(new Uint8Array(1), 0);
      await file.write([new Uint8Array(1)], 0);
    }
    expect(asked).toEqual({ cached: 2, file: 200 });
  });

  test("ever more seldom while it has nothing, and always again once it has", async () => {
    let hits = false;
    const { file, asked } = counted({ readCached: () => (hits ? 1 : undefined), writeCached: () => undefined });
    for (let time = 0; time < 1000; time++) await file.read(new Uint8Array(1), 0);
    expect(asked.file).toBe(1000);
    expect(asked.cached).toBeLessThan(25);
    hits = true;
    for (let time = 0; time < 63; time++) await file.read(new Uint8Array(1), 0);
    asked.cached = 0;
    for (let time = 0; time < 100; time++) await file.read(new Uint8Array(1), 0);
    expect(asked.cached).toBe(100);
  });

  test("again after an error, which the file itself is left to tell", async () => {
    const { file, asked } = counted({ readCached: () => refuse("EIO"), writeCached: () => refuse("ENOSPC") });
    for (let time = 0; time < 3; time++) await file.write([new Uint8Array(1)], 0);
    expect(asked).toEqual({ cached: 2, file: 3 });
  });

  test.each([
    ["reads", async (file: OpenFile) => file.read(new Uint8Array(4 * KiB), 0)],
    ["writes", async (file: OpenFile) => file.write([new Uint8Array(4 * KiB)], 0)],
  ])("a caller that goes on as soon as its %s are answered leaves the event loop its turns", async (_, request) => {
    const { file } = counted({ readCached: (_fd, into) => into.length, writeCached: () => 4 * KiB });
    let turns = 0;
    const turn = () => {
      turns += 1;
      if (turns < 3) setImmediate(turn);
    };
    setImmediate(turn);
    for (let time = 0; time < 10_000 && turns < 3; time++) await request(file);
    expect(turns).toBe(3);
  });

  test("those that wait for a turn are served in the order in which they came", async () => {
    const { file } = counted({ readCached: (_, into) => into.length, writeCached: () => 1 });
    const served: number[] = [];
    await Promise.all(
      Array.from({ length: 1000 }, async (_, nth) => {
        await file.read(new Uint8Array(1), nth);
        served.push(nth);
      }),
    );
    expect(served).toEqual(Array.from({ length: 1000 }, (_, nth) => nth));
  });
});

/** A file over a page cache that is given, and how often each of the two was asked. */
function counted(cached: Cached) {
  const asked = { cached: 0, file: 0 };
  const own = async () => {
    asked.file += 1;
    return 1;
  };
  const counting: Cached = {
    readCached(...request) {
      asked.cached += 1;
      return cached.readCached(...request);
    },
    writeCached(...request) {
      asked.cached += 1;
      return cached.writeCached(...request);
    },
  };
  return { file: withPageCache({ fd: -1, read: own, write: own } as unknown as OpenFile, counting as Syscalls), asked };
}

/** Does all, some or nothing of a request at once, as a page cache does that is being written back and thrown away. */
function nowAndThen(): Cached {
  let nth = 0;
  const some = (length: number): number => [length, Math.ceil(length / 3), 0][nth++ % 3]!;
  return {
    readCached(fd, into, offset) {
      return readSync(fd, into, 0, some(into.length), offset) || undefined;
    },
    writeCached(fd, [first], offset) {
      return first && (writeSync(fd, first, 0, some(first.length), offset) || undefined);
    },
  };
}

function withCached(cached: Cached): Syscalls {
  return { ...syscalls!, ...cached };
}

async function garbageFile(size: number): Promise<string> {
  files += 1;
  const path = join(folder, `${files}.raw`);
  await writeFile(path, new Uint8Array(size).fill(0xe7));
  return path;
}

function refuse(code: string): never {
  throw Object.assign(new Error(code), { code });
}
