import { closeSync, openSync, writeSync } from "node:fs";

import { createRandom } from "@blkmig/testkit";
import { expect, it } from "vitest";

import { MIB } from "./make-disks.test-kit.ts";
import { emptyNodeMemory, measureMemory } from "./measure-memory.test-kit.ts";
import { runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const SIZE = 512 * MIB;
const MOST_ABOVE_NODE = 150 * MIB;

function makeLargeDisk(path: string): void {
  const file = openSync(path, "w");
  const block = createRandom(7).bytes(MIB);
  for (let at = 0; at < SIZE; at += MIB) {
    block[0] = at / MIB;
    writeSync(file, block, 0, MIB, at);
  }
  closeSync(file);
}

// TCP is measured with the big disks.
it("512 MiB of data over a WebSocket take little memory, and so does comparing them", async () => {
  const path = temporaryFolder();
  makeLargeDisk(path("source"));
  const measured = [
    measureMemory(path("sender")),
    measureMemory(path("receiver")),
    measureMemory(path("verifier")),
  ] as const;
  const [{ env: sending }, { env: receiving }, { env: verifying }] = measured;
  const target = ["--disk", `a=${path("target")}`, "--create", "--size", "a=512M"];
  const receiver = startBlkmig(["receive", "ws://127.0.0.1:0/x", "--json", ...target], { env: receiving });
  const sent = await runBlkmig(["send", await receiver.url(), "--disk", `a=${path("source")}`], { env: sending });
  expect([sent.code, (await receiver.ended).code]).toEqual([0, 0]);
  expect((await runBlkmig(["verify", path("source"), path("target")], { env: verifying })).code).toBe(0);
  const bare = emptyNodeMemory(path("empty"));
  for (const { peak } of measured) expect(peak() - bare).toBeLessThan(MOST_ABOVE_NODE);
});
