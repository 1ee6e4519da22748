import { existsSync } from "node:fs";

import { expect, it } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { type Ended, type JsonEvent, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const SIZES = [512, MIB - 512, MIB, MIB + 512, 9 * MIB + 1536];

/** Several disks in one run, onto garbage; gives what both sides say in the end, and the names of targets that differ. */
async function migrate(
  at: string,
  send: readonly string[] = [],
): Promise<{ sent: unknown; received: unknown; different: readonly string[] }> {
  const path = temporaryFolder();
  const disks = SIZES.map((size, index) => ({
    name: `disk ${index}`,
    source: makeDisk(path(`source${index}`), size, index + 1),
    target: makeGarbage(path(`target${index}`), size),
  }));
  const targets = disks.flatMap(({ name, target }) => ["--disk", `${name}=${target}`]);
  const sources = disks.flatMap(({ name, source }) => ["--disk", `${name}=${source}`]);
  const receiver = startBlkmig(["receive", at.replace("FOLDER", path("")), "--json", ...targets]);
  const sent = await runBlkmig(["send", await receiver.url(), "--json", ...sources, ...send]);
  const received = await receiver.ended;
  const different = disks.filter(({ source, target }) => !sameFiles(source, target)).map(({ name }) => name);
  return { sent: succeeded(sent), received: succeeded(received), different };
}

/** Its last event, which must be a completion. */
function succeeded({ code, stderr, events }: Ended): JsonEvent {
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(events.at(-1)).toMatchObject({ event: "completed" });
  return events.at(-1)!;
}

const MOVED = {
  sent: { proved: true, total: SIZES.reduce((sum, size) => sum + size, 0) },
  received: { proved: true, answered: true },
  different: [],
};

const WIRES = ["tcp://127.0.0.1:0", "tcp://[::1]:0", "unix://FOLDER/socket", "ws://127.0.0.1:0/migrate"];

it.each(WIRES)("disks of all sizes move over %s", async (wire) => {
  expect(await migrate(wire)).toMatchObject(MOVED);
});

it("and by 1.0, which has no zero blocks", async () => {
  expect(await migrate("tcp://127.0.0.1:0", ["--wire", "1.0"])).toMatchObject(MOVED);
});

it("and with zero blocks turned off", async () => {
  expect(await migrate("ws://localhost:0/", ["--wire", "1.1", "--no-zero-blocks"])).toMatchObject(MOVED);
});

it("and without system calls of our own, except that locks are then only seen", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), 3 * MIB);
  const target = makeGarbage(path("target"), 3 * MIB);
  const env = { BLKMIG_NO_FFI: "1" };
  const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", "--disk", `a=${target}`], { env });
  const sent = await runBlkmig(["send", await receiver.url(), "--disk", `a=${source}`], { env });
  const received = await receiver.ended;
  expect([sent.code, received.code]).toEqual([0, 0]);
  expect(received.events).toContainEqual({ event: "warning", message: expect.stringContaining("is not locked") });
  expect(sameFiles(source, target)).toBe(true);
});

it("the sender may listen and the receiver dial", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), 5 * MIB);
  const target = makeGarbage(path("target"), 5 * MIB);
  const sender = startBlkmig(["send", "tcp://127.0.0.1:0", "--listen", "--json", "--disk", `a=${source}`]);
  const received = await runBlkmig(["receive", await sender.url(), "--connect", "--json", "--disk", `a=${target}`]);
  expect(succeeded(received)).toMatchObject({ proved: true, answered: true });
  expect(succeeded(await sender.ended)).toMatchObject({ proved: true });
  expect(sameFiles(source, target)).toBe(true);
});

it("a stream kept in a file is nobody's proof, until it is received", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), 5 * MIB + 512);
  const target = makeGarbage(path("target"), 5 * MIB + 512);
  const url = `file://${path("stream")}`;
  const sent = await runBlkmig(["send", url, "--disk", `a=${source}`]);
  expect(sent).toMatchObject({ code: 0, stderr: expect.stringContaining("nobody has checked it") });
  expect(succeeded(await runBlkmig(["send", url, "--json", "--disk", `a=${source}`]))).toMatchObject({ proved: false });
  const received = await runBlkmig(["receive", url, "--json", "--disk", `a=${target}`]);
  expect(succeeded(received)).toMatchObject({ proved: true, answered: false });
  expect(sameFiles(source, target)).toBe(true);
});

it("events are as scripts expect them", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), 20 * MIB);
  const receiver = startBlkmig([
    "receive",
    "tcp://127.0.0.1:0",
    "--disk",
    `a=${makeGarbage(path("target"), 20 * MIB)}`,
  ]);
  const heard = new Promise<string>((resolve) => {
    receiver.process.stderr!.on("data", (text: string) => {
      const url = /listening at (\S+)/.exec(text)?.[1];
      if (url) resolve(url);
    });
  });
  const sent = await runBlkmig(["send", await heard, "--wire", "1.1", "--json", "--disk", `a=${source}`]);
  expect((await receiver.ended).stdout).toBe("");
  const kinds = sent.events.map(({ event }) => event);
  expect(new Set(kinds)).toEqual(new Set(["status", "pass", "completed"]));
  expect(kinds.filter((kind) => kind === "completed")).toHaveLength(1);
  const number = expect.any(Number) as number;
  const disk = {
    name: "a",
    size: 20 * MIB,
    "data-bytes": number,
    "zero-bytes": number,
    "skipped-bytes": 0,
    "equal-bytes": 0,
  };
  expect(sent.events.at(-1)).toEqual({
    event: "completed",
    proved: true,
    transferred: number,
    total: 20 * MIB,
    "dirty-sync-count": number,
    "total-time": number,
    "setup-time": number,
    downtime: number,
    reconnects: 0,
    verified: 0,
    disks: [disk],
  });
  const bulk = sent.events.find((event) => event.event === "status" && event["phase"] === "bulk");
  expect(bulk).toMatchObject({ status: "active", remaining: number, total: 20 * MIB, "dirty-rate": 0, disks: [disk] });
});

it("a socket file goes when the receiver does", async () => {
  const path = temporaryFolder();
  const target = makeGarbage(path("target"), MIB);
  const receiver = startBlkmig(["receive", `unix://${path("socket")}`, "--json", "--disk", `a=${target}`]);
  await receiver.url();
  expect(existsSync(path("socket"))).toBe(true);
  receiver.process.kill("SIGINT");
  expect((await receiver.ended).code).toBe(130);
  expect(existsSync(path("socket"))).toBe(false);
});
