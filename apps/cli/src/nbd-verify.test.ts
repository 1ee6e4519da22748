import { readFileSync, writeFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { makeDisk, MIB } from "./make-disks.test-kit.ts";
import { hasNbdkit, startNbdkit } from "./nbd-servers.test-kit.ts";
import { refusal, refused, runBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const SIZE = 5 * MIB + 512;

describe.skipIf(!hasNbdkit)("verify of disks behind nbdkit (skipped without the program nbdkit)", () => {
  it("compares them with files and with each other", async () => {
    const path = temporaryFolder();
    const file = makeDisk(path("file"), SIZE);
    const bytes = readFileSync(file);
    bytes[3 * MIB + 1000]! ^= 0x40;
    writeFileSync(path("other"), bytes);
    const same = await startNbdkit(path("same"), "-r", "file", file);
    const other = await startNbdkit(path("differs"), "-r", "file", path("other"));
    expect(await runBlkmig(["verify", file, same.url])).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^equal: 5243392 bytes/m),
    });
    for (const left of [file, same.url]) {
      const ended = await runBlkmig(["verify", left, other.url, "--json"]);
      expect(ended.code).toBe(1);
      expect(ended.events.at(-1)).toMatchObject({ code: "different", "first-difference": 3 * MIB + 1000 });
    }
  });

  it("says that one and the same, by whatever spelling, and what cannot be read cannot be compared", async () => {
    const path = temporaryFolder();
    const file = makeDisk(path("file"), MIB);
    const server = await startNbdkit(path("socket"), "-r", "file", file);
    const again = server.url.replace("socket=", "socket=%2F").replace("%2F/", "%2F");
    expect(refusal(await runBlkmig(["verify", server.url, again]))).toEqual(refused(5, /are the same disk/));
    const missing = await runBlkmig(["verify", file, `nbd+unix:///?socket=${path("nobody")}`]);
    expect(refusal(missing)).toEqual(refused(5, /nobody/));
    const broken = await startNbdkit(path("broken"), "-r", "--filter=error", "file", file, "error-pread-rate=100%");
    expect(refusal(await runBlkmig(["verify", file, broken.url]))).toEqual(refused(5, /nbd\+unix:.*broken/));
  });
});

it("what leaves this machine in clear text is refused, and a wrong URL is no disk", async () => {
  const file = makeDisk(temporaryFolder()("file"), MIB);
  expect(refusal(await runBlkmig(["verify", file, "nbd://192.0.2.1/a"]))).toEqual(refused(3, /say --insecure/));
  const allowed = await runBlkmig(["verify", file, "nbd://0.0.0.0:1/a", "--insecure"]);
  expect(refusal(allowed)).toEqual(refused(5, /nbd:\/\/0\.0\.0\.0:1\/a: .*ECONNREFUSED/));
  expect(refusal(await runBlkmig(["verify", file, "nbd:a"]))).toEqual(refused(2, /'nbd:a'.* for example/));
});
