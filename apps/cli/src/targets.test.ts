import { readFileSync, statSync, symlinkSync, truncateSync } from "node:fs";

import { expect, it } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

it("a missing target is made, sparse and as large as was said", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), 512);
  truncateSync(source, 64 * MIB);
  const create = ["--create", "--size", "a=64M"];
  const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", "--disk", `a=${path("new")}`, ...create]);
  const sent = await runBlkmig(["send", await receiver.url(), "--disk", `a=${source}`]);
  expect([sent.code, (await receiver.ended).code]).toEqual([0, 0]);
  expect(sameFiles(source, path("new"))).toBe(true);
  expect(statSync(path("new")).blocks * 512).toBeLessThan(2 * MIB);
});

it("of a target that is larger, --size says how much is used; the rest stays as it is, and so does its size", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), 2 * MIB);
  const target = makeGarbage(path("target"), 3 * MIB);
  symlinkSync(target, path("link"));
  const size = ["--size", "a=2M"];
  const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", "--disk", `a=${path("link")}`, ...size]);
  const sent = await runBlkmig(["send", await receiver.url(), "--disk", `a=${source}`]);
  const received = await receiver.ended;
  expect([sent.code, received.code]).toEqual([0, 0]);
  expect(received.events).toContainEqual({ event: "warning", message: expect.stringContaining("only the first") });
  const bytes = readFileSync(target);
  expect(bytes.subarray(0, 2 * MIB).equals(readFileSync(source))).toBe(true);
  expect(bytes.subarray(2 * MIB).equals(Buffer.alloc(MIB, 0xee))).toBe(true);
});

it("a target that is smaller than --size says is refused, and not made larger", async () => {
  const path = temporaryFolder();
  const target = makeGarbage(path("target"), MIB);
  const ended = await runBlkmig([
    "receive",
    "tcp://127.0.0.1:0",
    "--disk",
    `a=${target}`,
    "--create",
    "--size",
    "a=1G",
  ]);
  expect(refusal(ended)).toEqual(
    refused(3, /disk 'a': .* has 1048576 bytes, which is too small for a disk of 1073741824/),
  );
  expect(statSync(target).size).toBe(MIB);
});

it("a receiver that is kept takes one migration after the other, well or not", async () => {
  const path = temporaryFolder();
  const sources = [makeDisk(path("first"), 3 * MIB, 1), makeDisk(path("second"), 3 * MIB, 2)];
  const target = makeGarbage(path("target"), 3 * MIB);
  const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--keep", "--json", "--disk", `a=${target}`]);
  const url = await receiver.url();
  for (const source of sources) {
    expect((await runBlkmig(["send", url, "--disk", `b=${source}`])).code).toBe(3);
    expect((await runBlkmig(["send", url, "--disk", `a=${source}`])).code).toBe(0);
    expect(sameFiles(source, target)).toBe(true);
  }
  receiver.process.kill("SIGTERM");
  const { code, events } = await receiver.ended;
  expect(code).toBe(130);
  const ends = events.filter(({ event }) => ["completed", "failed", "cancelled"].includes(event));
  expect(ends.map(({ event }) => event)).toEqual(["failed", "completed", "failed", "completed", "cancelled"]);
});
