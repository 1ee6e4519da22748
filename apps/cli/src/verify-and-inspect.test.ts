import { readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";

import { openDisk } from "@blkmig/device";
import { captured } from "@blkmig/testkit";
import { expect, it } from "vitest";

import { makeDisk, MIB } from "./make-disks.test-kit.ts";
import { refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

it("equal disks are equal, holes and zeroes alike", async () => {
  const path = temporaryFolder();
  writeFileSync(path("a"), new Uint8Array(3 * MIB));
  writeFileSync(path("b"), "");
  truncateSync(path("b"), 3 * MIB);
  const ended = await runBlkmig(["verify", path("a"), path("b"), "--json"]);
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(ended.events.at(-1)).toEqual({ event: "completed", total: 3 * MIB });
  expect((await runBlkmig(["verify", path("a"), path("b")])).stderr).toMatch(/^equal: 3145728 bytes/m);
});

it.each([0, 1, MIB - 1, MIB, 5 * MIB + 1000, 9 * MIB + 511])("the first difference is found at %d", async (at) => {
  const path = temporaryFolder();
  const bytes = readFileSync(makeDisk(path("a"), 9 * MIB + 512));
  bytes[at] = bytes[at]! ^ 0x40;
  bytes[bytes.length - 1] = bytes.at(-1)! ^ 1;
  writeFileSync(path("b"), bytes);
  const ended = await runBlkmig(["verify", path("a"), path("b"), "--json"]);
  expect(ended.code).toBe(1);
  expect(ended.events.at(-1)).toMatchObject({ event: "failed", code: "different", "first-difference": at });
});

it("different sizes are different, and named", async () => {
  const path = temporaryFolder();
  makeDisk(path("a"), MIB);
  makeDisk(path("b"), MIB + 512);
  const ended = await runBlkmig(["verify", path("a"), path("b")]);
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/has 1048576 bytes, .* 1049088/) });
});

it("what cannot be compared is neither", async () => {
  const path = temporaryFolder();
  const disk = makeDisk(path("a"), MIB);
  symlinkSync(disk, path("link"));
  expect(refusal(await runBlkmig(["verify", disk, path("missing")]))).toEqual(refused(5, /missing/));
  expect(refusal(await runBlkmig(["verify", "/dev/null", disk]))).toEqual(refused(5, /neither a file nor/));
  expect(refusal(await runBlkmig(["verify", disk, path("link")]))).toEqual(refused(5, /are the same disk/));
});

it("a disk in use is compared, with a warning", async () => {
  const path = temporaryFolder();
  makeDisk(path("b"), MIB);
  const disk = await openDisk(makeDisk(path("a"), MIB));
  const ended = await runBlkmig(["verify", path("a"), path("b")]);
  expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining("is in use by another process") });
  await disk.close();
});

it("a stream that QEMU made is shown frame by frame, and counted", async () => {
  const path = temporaryFolder();
  writeFileSync(path("stream"), captured("qemu-7.2-zero-blocks"));
  const shown = await runBlkmig(["inspect", path("stream")]);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toMatch(/^ +\d+ {2}block +'disk0' \d+$/m);
  expect(shown.stdout).toMatch(/^ +\d+ {2}zero +'disk0' \d+/m);
  expect(shown.stdout).toMatch(/^it ends as a complete stream does$/m);
  const counted = await runBlkmig(["inspect", `file://${path("stream")}`, "--summary", "--json"]);
  expect(counted.events.map(({ event }) => event)).toEqual(["summary", "completed"]);
  expect(counted.events[0]).toMatchObject({ ended: true, percent: 100, disks: [{ name: "disk0" }, { name: "disk1" }] });
});

it("neighbouring zeroes share a line, and standard input may be inspected", async () => {
  const path = temporaryFolder();
  writeFileSync(path("a"), "");
  truncateSync(path("a"), 1024 * MIB);
  await runBlkmig(["send", `file://${path("stream")}`, "--disk", `vda=${path("a")}`]);
  const running = startBlkmig(["inspect", "-", "--json"]);
  running.process.stdin!.end(readFileSync(path("stream")));
  const { code, events } = await running.ended;
  expect(code).toBe(0);
  const zeroes = events.filter(({ type }) => type === "zero");
  expect(zeroes.length).toBeLessThan(200);
  expect(zeroes.reduce((sum, zero) => sum + Number(zero["blocks"]), 0)).toBe(1024);
  expect(events.at(-2)).toMatchObject({
    event: "summary",
    disks: [{ name: "vda", "zero-blocks": 1024, end: 1024 * MIB }],
  });
});

it("a stream that breaks off is shown as far as it goes", async () => {
  const path = temporaryFolder();
  await runBlkmig(["send", `file://${path("stream")}`, "--disk", `a=${makeDisk(path("a"), 3 * MIB)}`]);
  truncateSync(path("stream"), MIB);
  const ended = await runBlkmig(["inspect", path("stream")]);
  expect(ended.stdout).toMatch(/^ +0 {2}end of section$/m);
  expect(refusal(ended)).toEqual(refused(3, /ends inside a frame: .* \(at byte \d+ of the stream\)/));
  truncateSync(path("stream"), 8);
  const cut = await runBlkmig(["inspect", path("stream")]);
  expect(cut).toMatchObject({ code: 0, stdout: expect.stringContaining("does not end as a complete stream does") });
});

it("what is no stream is refused", async () => {
  const path = temporaryFolder();
  const inspect = async (bytes: string) => {
    writeFileSync(path("x"), bytes);
    return refusal(await runBlkmig(["inspect", path("x")]));
  };
  expect(await inspect("QEVM\0\0\0\u0003")).toEqual(refused(3, /ends before the block section .*\(at byte 8 of/));
  expect(await inspect("QEVM\0\0\0\u0004")).toEqual(refused(3, /version 4/));
  expect(await inspect("something else")).toEqual(refused(3, /it begins with 'somethin'/));
  expect(await inspect("")).toEqual(refused(3, /the stream is empty/));
  expect(refusal(await runBlkmig(["inspect", path("missing")]))).toEqual(refused(3, /ENOENT/));
  expect(refusal(await runBlkmig(["inspect", path("")]))).toEqual(refused(3, /EISDIR/));
});

it("whoever reads only the head of it may go", async () => {
  const path = temporaryFolder();
  makeDisk(path("a"), 8 * MIB);
  await runBlkmig(["send", `file://${path("stream")}`, "--disk", `a=${path("a")}`]);
  const running = startBlkmig(["inspect", path("stream")]);
  running.process.stdout!.destroy();
  expect(await running.ended).toMatchObject({ code: 0, stderr: "" });
});

it("help and version are for standard output", async () => {
  const version = await runBlkmig(["--version"]);
  expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: "" });
  for (const command of [[], ["send"], ["receive"], ["verify"], ["inspect"]]) {
    const help = await runBlkmig([...command, "--help"]);
    expect(help).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringMatching(/Examples:\n {2}blkmig [^]*xit codes:/),
    });
  }
  expect((await runBlkmig([])).code).toBe(2);
});
