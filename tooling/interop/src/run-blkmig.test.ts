import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { makeDisk, makeGarbageDisk } from "./make-disk.ts";
import { runBlkmig, startBlkmig } from "./run-blkmig.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const MIB = 1048576;

it("the built program runs at both ends", async () => {
  const path = temporaryFolder();
  const [sent, received] = [makeDisk(path("sent"), 3 * MIB), makeGarbageDisk(path("received"), 3 * MIB)];
  const to = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", "--disk", `disk0=${received}`]);
  const from = await runBlkmig(["send", `tcp://127.0.0.1:${await to.port()}`, "--disk", `disk0=${sent}`]);
  expect({ from: from.code, to: (await to.exited).code }).toEqual({ from: 0, to: 0 });
  expect(readFileSync(received).equals(readFileSync(sent))).toBe(true);
});

it("how it refuses is told", async () => {
  const { code, stderr } = await runBlkmig(["inspect", temporaryFolder()("none")]);
  expect({ code, stderr }).toEqual({ code: expect.any(Number), stderr: expect.stringMatching(/^blkmig: .*\n/) });
  expect(code).not.toBe(0);
});
