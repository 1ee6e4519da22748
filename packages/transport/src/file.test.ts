import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describeConnection } from "@blkmig/testkit";
import { afterAll, expect, test } from "vitest";

import { readStreamFile, writeStreamFile } from "./file.ts";
import { afterBytes } from "./write-stream-file.ts";

const folder = mkdtempSync(join(tmpdir(), "blkmig-file-"));
let count = 0;
const freshPath = () => join(folder, `${count++}.stream`);
afterAll(() => rmSync(folder, { recursive: true }));

const makePipe = () => {
  const path = freshPath();
  execFileSync("mkfifo", [path]);
  return path;
};

describeConnection("files, by a named pipe", async () => {
  const path = makePipe();
  const [a, b] = await Promise.all([writeStreamFile(path), readStreamFile(path)]);
  const cleanup = () => {
    a.destroy();
    b.destroy();
    return Promise.resolve();
  };
  return {
    a,
    b,
    cleanup,
    capabilities: { oneWay: true, reset: false, bulkBytes: 512 * 1024 * 1024, growth: 256 * 1024 * 1024 },
  };
});

test("what was sent is read again, in order, and then 0 for ever", async () => {
  const path = freshPath();
  const out = await writeStreamFile(path);
  await Promise.all([
    out.send([Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)]),
    out.send([Uint8Array.of(4)]),
  ]);
  expect(await out.read(new Uint8Array(1))).toBe(0);
  await out.finish();
  await expect(out.send([Uint8Array.of(5)])).rejects.toMatchObject({ code: "finished" });
  expect([statSync(path).mode & 0o777, statSync(path).size]).toEqual([0o600, 4]);
  const from = await readStreamFile(path);
  const into = new Uint8Array(3);
  expect([await from.read(into), ...into]).toEqual([3, 1, 2, 3]);
  expect([await from.read(into), into[0], await from.read(into), await from.read(into)]).toEqual([1, 4, 0, 0]);
});

test("a file is only read, and one read at a time", async () => {
  const path = freshPath();
  writeFileSync(path, "abc");
  const from = await readStreamFile(path);
  await expect(from.send([Uint8Array.of(1)])).rejects.toMatchObject({ code: "finished" });
  const first = from.read(new Uint8Array(8));
  await expect(from.read(new Uint8Array(8))).rejects.toThrow("one at a time");
  expect(await first).toBe(3);
  await from.finish();
  const last = from.read(new Uint8Array(8));
  const reason = new Error("enough");
  from.destroy(reason);
  await expect(last).rejects.toMatchObject({ code: "destroyed", cause: reason });
});

test("an older, longer file is emptied; an exclusive one must not exist", async () => {
  const path = freshPath();
  writeFileSync(path, "older and longer");
  await expect(writeStreamFile(path, { exclusive: true })).rejects.toMatchObject({ code: "io" });
  expect(readFileSync(path, "utf8")).toBe("older and longer");
  const link = freshPath();
  symlinkSync(path, link);
  const out = await writeStreamFile(link);
  await out.send([Uint8Array.of(65)]);
  await out.finish();
  expect(readFileSync(path, "utf8")).toBe("A");
});

test("character devices are fine, folders are not", async () => {
  const out = await writeStreamFile("/dev/null");
  await out.send([new Uint8Array(100)]);
  await out.finish();
  await expect(readStreamFile(folder)).rejects.toMatchObject({ code: "io" });
  await expect(writeStreamFile(folder)).rejects.toMatchObject({ code: "io" });
});

test("a full disk is an io error, then and afterwards", async () => {
  const out = await writeStreamFile("/dev/full");
  const failed = { code: "io", message: expect.stringContaining("ENOSPC") };
  await expect(out.send([new Uint8Array(100)])).rejects.toMatchObject(failed);
  await expect(out.send([new Uint8Array(100)])).rejects.toMatchObject(failed);
  await expect(out.finish()).rejects.toMatchObject(failed);
});

test("a destroyed file fails its sends once the system has let go of their memory", async () => {
  const out = await writeStreamFile(freshPath());
  const sends = [out.send([new Uint8Array(1 << 20)]), out.send([new Uint8Array(1)])];
  out.destroy();
  for (const send of sends) await expect(send).rejects.toMatchObject({ code: "destroyed" });
});

test("what a short write left over is written next", () => {
  const segments = [Uint8Array.of(1, 2), Uint8Array.of(3), Uint8Array.of(4, 5)];
  const rest = (bytes: number) => afterBytes(segments, bytes).map((segment) => Array.from(segment));
  expect(rest(0)).toEqual([[1, 2], [3], [4, 5]]);
  expect(rest(1)).toEqual([[2], [3], [4, 5]]);
  expect(rest(2)).toEqual([[3], [4, 5]]);
  expect(rest(4)).toEqual([[5]]);
  expect(rest(5)).toEqual([]);
});
