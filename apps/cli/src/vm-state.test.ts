import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";

import { captures, rawCapture } from "@blkmig/testkit";
import { expect, it } from "vitest";

import { makeDisk, makeGarbage, MIB } from "./make-disks.test-kit.ts";
import { refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const { name, disks } = captures.find((capture) => capture.name === "pc-2disk-zeroblocks")!;

/** A file with a real QEMU's stream, and the targets for its disks. */
function sentByQemu(path: (name: string) => string) {
  writeFileSync(path("stream"), rawCapture(name));
  const targets = disks.flatMap(([disk, size]) => ["--disk", `${disk}=${makeGarbage(path(disk), size)}`]);
  return ["receive", `file://${path("stream")}`, ...targets];
}

it("a QEMU's stream kept in a file: its disks, and its machine for its owner alone", async () => {
  const path = temporaryFolder();
  const ended = await runBlkmig([...sentByQemu(path), "--vm-state", path("state")]);
  expect(ended.code).toBe(0);
  expect(statSync(path("state")).mode & 0o777).toBe(0o600);
  expect(readFileSync(path("state")).subarray(0, 4).toString()).toBe("QEVM");
});

it("what is there is not written over, nor is a link followed", async () => {
  const path = temporaryFolder();
  writeFileSync(path("precious"), "precious");
  symlinkSync(path("nowhere"), path("link"));
  for (const there of ["precious", "link"]) {
    const ended = await runBlkmig([...sentByQemu(path), "--vm-state", path(there)]);
    expect(refusal(ended)).toEqual(refused(3, /--vm-state: .* is there already/));
  }
  expect(readFileSync(path("precious"), "utf8")).toBe("precious");
  expect(existsSync(path("nowhere"))).toBe(false);
});

it("a stream that is cut leaves no machine behind", async () => {
  const path = temporaryFolder();
  const command = sentByQemu(path);
  writeFileSync(path("stream"), rawCapture(name).subarray(0, 2 * MIB));
  const ended = await runBlkmig([...command, "--vm-state", path("state")]);
  expect(refusal(ended)).toEqual(refused(1, /before its disks did; missing: .*virtio1/));
  expect(existsSync(path("state"))).toBe(false);
});

it.each([
  ["1.1", 1],
  ["2", 3],
] as const)("a sender that is no QEMU has no machine, whether it speaks wire %s", async (wire, code) => {
  const path = temporaryFolder();
  const target = ["--disk", `a=${makeGarbage(path("target"), MIB)}`, "--vm-state", path("state")];
  const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", ...target]);
  const sent = await runBlkmig([
    "send",
    await receiver.url(),
    "--wire",
    wire,
    "--disk",
    `a=${makeDisk(path("source"), MIB)}`,
  ]);
  expect(sent.code).toBe(code);
  expect(refusal(await receiver.ended)).toEqual(refused(3, /--vm-state: this sender is no QEMU/));
  expect(existsSync(path("state"))).toBe(false);
});
