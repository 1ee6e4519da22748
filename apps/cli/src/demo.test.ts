import { readdirSync } from "node:fs";

import { expect, it } from "vitest";

import { runBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

it("the demo moves a disk through a cut and a kill, and leaves nothing behind", async () => {
  const path = temporaryFolder();
  const ended = await runBlkmig(["demo"], { env: { TMPDIR: path("") } });
  expect(ended).toMatchObject({ code: 0, stdout: "" });
  for (const line of [
    /the connection is cut/,
    /the receiver is killed \(SIGKILL\)/,
    /connected again 2 times/,
    /both disks are equal, byte by byte: 320 MiB/,
    /none corrupt, the newest is the last that was answered/,
    /source\.img has moved/,
  ]) {
    expect(ended.stderr).toMatch(line);
  }
  expect(readdirSync(path(""))).toEqual([]);
});
