import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describeBlockDevice } from "@blkmig/testkit";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import type { BlockDevice, Segments } from "./block-device.ts";
import { withoutFirst } from "./file-device-transfer.ts";
import { type FileDevice, createFileDevice } from "./file-device.ts";
import { type OpenFile, openFile } from "./open-file.ts";

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blkmig-file-"));
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
describe("a file that does less than it is asked", () => {
  describeBlockDevice(
    "a short-reading, short-writing file",
    async (size) => {
      const path = await garbageFile(size);
      const short = async (readOnly: boolean) => overFile(shortened(await openFile(path, readOnly)), readOnly);
      const cleanup = async () => rm(path);
      return {
        device: await short(false),
        reopen: async () => short(false),
        reopenReadOnly: async () => short(true),
        cleanup,
      };
    },
    ["writable", "read-only"],
  );

  test("one that takes nothing is an error, not an endless loop", async () => {
    const path = await garbageFile(4096);
    const file = await openFile(path, false);
    const device = await overFile({ ...file, write: async () => 0 });
    await expect(device.write(100, [new Uint8Array(10)])).rejects.toMatchObject({ code: "io", offset: 100 });
  });

  test("a disk that fills up halfway says where", async () => {
    const path = await garbageFile(4096);
    const file = await openFile(path, false);
    const full = async (data: Segments, offset: number) =>
      offset >= 1000
        ? refuse("ENOSPC")
        : file.write(data.map((segment) => segment.subarray(0, 300)).slice(0, 1), offset);
    const device = await overFile({ ...file, write: full });
    await expect(device.write(500, [new Uint8Array(2000)])).rejects.toMatchObject({
      code: "no-space",
      offset: 1100,
      message: "disk 'vda': write of 2000 bytes at 500, after 600 of them, failed: ENOSPC",
      cause: expect.objectContaining({ code: "ENOSPC" }),
    });
  });

  test("segments lose their front as an array of bytes would", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 8 }), fc.nat(50), (data, count) => {
        const bytes = data.flatMap((segment) => [...segment]);
        const rest = withoutFirst(data, Math.min(count, bytes.length));
        expect(rest.flatMap((segment) => [...segment])).toEqual(bytes.slice(count));
        expect(rest[0]?.length).not.toBe(0);
      }),
    );
  });
});

describe("flush", () => {
  test("a disk opened read-only has nothing to flush, and some file systems say so", async () => {
    const file = await openFile(await garbageFile(4096), true);
    const device = await overFile({ ...file, sync: async () => refuse("EINVAL") }, true);
    await expect(device.flush()).resolves.toBeUndefined();
  });

  test("after one failure nothing is believed again", async () => {
    const path = await garbageFile(4096);
    const file = await openFile(path, false);
    const answers = [refuse, async () => {}];
    const device = await overFile({ ...file, sync: async () => answers.shift()?.("EIO") });
    const failure = {
      code: "io",
      message: expect.stringMatching(/^disk 'vda': flush failed/),
      cause: expect.objectContaining({ code: "EIO" }),
    };
    await expect(device.flush()).rejects.toMatchObject(failure);
    await expect(device.flush()).rejects.toMatchObject(failure);
    expect(answers).toHaveLength(1);
  });

  test("a failure that one flush is told fails the one that came meanwhile", async () => {
    const path = await garbageFile(4096);
    const file = await openFile(path, false);
    let fail: ((error: Error) => void) | undefined;
    const first = new Promise<void>((_, reject) => (fail = reject));
    const answers = [first, Promise.resolve()];
    const device = await overFile({ ...file, sync: async () => answers.shift() });
    const flushes = Promise.allSettled([device.flush(), device.flush()]);
    await device.read(0, new Uint8Array(1)); // long enough for a second one that does not wait
    fail?.(new Error("lost"));
    expect((await flushes).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});

/** A device over a file that is given, closed after the test. */
async function overFile(file: OpenFile, readOnly = false): Promise<FileDevice> {
  const size = Number((await file.stat()).size);
  const device = createFileDevice({ name: "vda", size, readOnly, kind: "file", file, syscalls: undefined });
  devices.push(device);
  return device;
}

/** Reads and writes only a part, now one byte, now some segments and a half. */
function shortened(file: OpenFile): OpenFile {
  let nth = 0;
  const some = (length: number): number => (nth++ % 3 === 0 ? 1 : Math.ceil(length * 0.6));
  return {
    ...file,
    read: async (into, offset) => file.read(into.subarray(0, some(into.length)), offset),
    write: async (data, offset) =>
      file.write(front(data, some(data.reduce((sum, { length }) => sum + length, 0))), offset),
  };
}

function front(data: Segments, count: number): Uint8Array[] {
  let left = count;
  return data.map((segment) => {
    const piece = segment.subarray(0, left);
    left -= piece.length;
    return piece;
  });
}

function refuse(code: string): never {
  throw Object.assign(new Error(code), { code });
}
