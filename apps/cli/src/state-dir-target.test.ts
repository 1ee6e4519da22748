import { readFileSync, readdirSync } from "node:fs";

import { expect, it } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const SIZE = 12 * MIB;
const AT = "tcp://127.0.0.1:0";

it.each(["1.1", "2"])("with a state directory the first block is withheld until commit, by wire %s", async (wire) => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), SIZE);
  const target = makeGarbage(path("target"), SIZE);
  const state = ["--state-dir", path("state")];
  const receive = ["receive", AT, "--json", "--disk", `a=${target}`, ...state];
  const receiver = startBlkmig(receive);
  const slow = ["--max-bandwidth", "8M", "--wire", wire];
  const sender = startBlkmig(["send", await receiver.url(), "--json", "--disk", `a=${source}`, ...slow]);
  await receiver.until(({ event, remaining }) => event === "status" && Number(remaining) < SIZE - 3 * MIB);
  expect(
    readFileSync(target)
      .subarray(0, MIB)
      .every((byte) => byte === 0),
  ).toBe(true);
  const [record] = readdirSync(path("state"));
  const status = await runBlkmig(["status", "--target", target, "--json", ...state]);
  expect(status.events.at(-1)).toMatchObject({ event: "target", state: "incomplete" });
  expect([(await sender.ended).code, (await receiver.ended).code]).toEqual([0, 0]);
  expect(sameFiles(source, target)).toBe(true);
  expect(readdirSync(path("state"))).toEqual([record]); // the withheld block is on the disk, and nowhere else
  expect(JSON.parse(readFileSync(`${path("state")}/${record}`, "utf8"))).toMatchObject({ state: "committed" });
  expect(readdirSync(path("")).filter((name) => name === "target.blkmig")).toEqual([]);
});
