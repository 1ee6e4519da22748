import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync, constants, createReadStream, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

import { describeConnection } from "@blkmig/testkit";
import { afterAll, expect, test } from "vitest";

import { openStdio } from "./stdio.ts";

const folder = mkdtempSync(join(tmpdir(), "blkmig-stdio-"));
afterAll(() => rmSync(folder, { recursive: true }));

function makePipe() {
  const path = join(folder, randomUUID());
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // or it would wait for a writer
  return { reader, writer: openSync(path, constants.O_WRONLY) };
}

describeConnection("stdio by the descriptors of two pipes", () => {
  const [there, back] = [makePipe(), makePipe()];
  const a = openStdio({ input: back.reader, output: there.writer });
  const b = openStdio({ input: there.reader, output: back.writer });
  const cleanup = () => {
    a.destroy();
    b.destroy();
    return Promise.resolve();
  };
  return Promise.resolve({
    a,
    b,
    cleanup,
    capabilities: { reset: false, bulkBytes: 512 * 1024 * 1024, growth: 256 * 1024 * 1024 },
  });
});

// A child that gives back all it gets, by its own standard input and output.
const echo = fileURLToPath(new URL("echo.fixture.mjs", import.meta.url));

const startEcho = () => spawn(process.execPath, [echo], { stdio: ["pipe", "pipe", "inherit"] });

describeConnection("stdio of a child process that echoes", () => {
  const child = startEcho();
  const a = openStdio({ input: Readable.from([]), output: child.stdin });
  const b = openStdio({ input: child.stdout, output: makePipe().writer });
  const cleanup = () => {
    a.destroy();
    b.destroy();
    child.kill("SIGKILL");
    return Promise.resolve();
  };
  return Promise.resolve({
    a,
    b,
    cleanup,
    capabilities: { reset: false, oneWay: true, bulkBytes: 512 * 1024 * 1024, growth: 256 * 1024 * 1024 },
  });
});

test("finish() closes standard output where it is a pipe, as a shell makes them, and reading goes on", async () => {
  const pipe = makePipe();
  const fixture = fileURLToPath(new URL("finish-first.fixture.mjs", import.meta.url));
  const child = spawn(process.execPath, [fixture], { stdio: ["pipe", pipe.writer, "inherit"] });
  const exited = once(child, "exit");
  closeSync(pipe.writer);
  let heard = "";
  // A FIFO read by the thread pool ends when its last writer is gone, and not before.
  for await (const piece of createReadStream("", { fd: openBlocking(pipe.reader) })) heard += String(piece);
  expect([heard, child.exitCode]).toEqual(["word", null]);
  child.stdin?.end();
  expect(await exited).toEqual([0, null]);
});

/** The same pipe, read by waiting. */
function openBlocking(reader: number): number {
  return openSync(`/proc/self/fd/${reader}`, constants.O_RDONLY);
}

test("a child that dies makes sends fail, and reads end", async () => {
  const child = startEcho();
  const wire = openStdio({ input: child.stdout, output: child.stdin, url: "stdio:echo" });
  await wire.send([Uint8Array.of(1)]);
  expect(await wire.read(new Uint8Array(1))).toBe(1);
  child.kill("SIGKILL");
  const flood = async () => {
    for (;;) await wire.send([new Uint8Array(65_536)]);
  };
  await expect(flood()).rejects.toMatchObject({ code: "reset", url: "stdio:echo" });
});
