import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { runShell, temporaryFolder } from "./run-blkmig.test-kit.ts";

it("standard input and output are a wire: both ways with two pipes", async () => {
  const path = temporaryFolder();
  makeDisk(path("source"), 5 * MIB);
  makeGarbage(path("target"), 5 * MIB);
  const script = `
    mkfifo back
    "$NODE" "$BIN" send - --json --disk a=source < back 3> sent 2> /dev/null \\
      | "$NODE" "$BIN" receive stdio: --json --disk a=target > back 2> received
    echo "\${PIPESTATUS[*]}"`;
  expect(await runShell(script, path(""))).toBe("0 0\n");
  expect(lastEvent(path("sent"))).toMatchObject({ event: "completed", proved: true });
  expect(lastEvent(path("received"))).toMatchObject({ event: "completed", answered: true });
  expect(sameFiles(path("source"), path("target"))).toBe(true);
});

it("with one pipe the sender cannot know", async () => {
  const path = temporaryFolder();
  makeDisk(path("source"), 5 * MIB);
  makeGarbage(path("target"), 5 * MIB);
  const script = `
    "$NODE" "$BIN" send - --json --disk a=source < /dev/null 3> sent \\
      | "$NODE" "$BIN" receive - --disk a=target > /dev/null 2>&1
    echo "\${PIPESTATUS[*]}"`;
  expect(await runShell(script, path(""))).toBe("0 0\n");
  expect(lastEvent(path("sent"))).toMatchObject({ event: "completed", proved: false });
  expect(sameFiles(path("source"), path("target"))).toBe(true);
});

function lastEvent(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8").trimEnd().split("\n").at(-1)!);
}
