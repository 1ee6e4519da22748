import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { openDisk } from "@blkmig/device";
import { expect, it } from "vitest";

import { makeDisk, makeGarbage, MIB } from "./make-disks.test-kit.ts";
import { refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const AT = "tcp://127.0.0.1:0";

it("a disk that another process has is refused, unless that danger is taken on", async () => {
  const path = temporaryFolder();
  const disk = await openDisk(makeDisk(path("disk"), MIB));
  expect(refusal(await runBlkmig(["send", AT, "--disk", `a=${path("disk")}`]))).toEqual(refused(3, /--force in-use/));
  expect(refusal(await runBlkmig(["receive", AT, "--disk", `a=${path("disk")}`]))).toEqual(
    refused(3, /--force in-use/),
  );
  const to = `file://${path("stream")}`;
  expect((await runBlkmig(["send", to, "--disk", `a=${path("disk")}`, "--force", "in-use"])).code).toBe(0);
  await disk.close();
});

it("a target that a receiver has is no source, and no other receiver's target", async () => {
  const path = temporaryFolder();
  const target = makeGarbage(path("target"), MIB);
  const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${target}`]);
  const url = await receiver.url();
  expect(refusal(await runBlkmig(["send", url, "--disk", `a=${target}`]))).toEqual(refused(3, /in-use/));
  expect(refusal(await runBlkmig(["receive", AT, "--disk", `a=${target}`]))).toEqual(refused(3, /in-use/));
});

it("one disk cannot be two targets, nor source and stream, nor target and stream", async () => {
  const path = temporaryFolder();
  const disk = makeDisk(path("disk"), MIB);
  execFileSync("ln", ["-s", disk, path("link")]);
  const twice = ["--disk", `a=${disk}`, "--disk", `b=${path("link")}`];
  expect(refusal(await runBlkmig(["receive", AT, ...twice]))).toEqual(refused(3, /'a' and 'b' are the same disk/));
  const before = readFileSync(disk);
  expect(refusal(await runBlkmig(["send", `file://${path("link")}`, "--disk", `a=${disk}`]))).toEqual(
    refused(3, /is disk 'a' itself/),
  );
  expect(refusal(await runBlkmig(["receive", `file://${disk}`, "--disk", `a=${path("link")}`]))).toEqual(
    refused(3, /the stream itself/),
  );
  expect(readFileSync(disk).equals(before)).toBe(true);
});
