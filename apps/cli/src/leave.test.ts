import { once } from "node:events";
import { connect } from "node:net";

import { expect, it } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

// `process.exit()` of Node.js 24 may wait for ever: a program that had to call it says so.
const TELL_EXIT = `data:text/javascript,
const exit = process.exit;
process.exit = (code) => {
  process.stderr.write("process.exit was called\\n");
  exit(code);
};`;
const env = { NODE_OPTIONS: `--import "${TELL_EXIT.replaceAll("\n", "").replaceAll('"', '\\"')}"` };

it("a standard input that nobody closes, and peers that are silent, hold no one: each comes to its end by itself", async () => {
  const path = temporaryFolder();
  makeDisk(path("source"), 2 * MIB);
  makeGarbage(path("target"), 2 * MIB);
  const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", "--disk", `a=${path("target")}`], { env });
  const url = await receiver.url();
  const silent = connect(Number(new URL(url).port), "127.0.0.1");
  const lost = new Promise((resolve) =>
    silent
      .on("error", () => {})
      .on("close", resolve)
      .resume(),
  );
  await once(silent, "connect");
  const sender = startBlkmig(["send", url, "--json", "--disk", `a=${path("source")}`], { env });
  const ends = await Promise.all([sender.ended, receiver.ended]);
  expect(ends.map(({ code }) => code)).toEqual([0, 0]);
  expect(ends.map(({ stderr }) => stderr)).not.toContainEqual(expect.stringContaining("process.exit"));
  expect(sameFiles(path("source"), path("target"))).toBe(true);
  await lost;
});
