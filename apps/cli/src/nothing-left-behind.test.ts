import { rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { expect, it } from "vitest";

import { makeDisk, MIB } from "./make-disks.test-kit.ts";
import { leftBehind } from "./nothing-left-behind.test-kit.ts";
import { startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

it("a process, its lock, its socket and a temporary file are seen, and when they have gone nothing is", async () => {
  const path = temporaryFolder();
  const disk = makeDisk(path("disk"), MIB);
  const options = { folders: [dirname(disk)], disks: [disk, path("none")] };
  expect(await leftBehind(options)).toEqual([]);

  const server = startBlkmig(["serve", "--json", "--disk", `a=${disk}`, "--nbd", `nbd+unix:///?socket=${path("nbd")}`]);
  await server.until(({ event }) => event === "serving");
  writeFileSync(`${disk}.blkmig`, "");
  writeFileSync(`${disk}.blkmig.new`, "");
  const kinds = (left: readonly string[]) => new Set(left.map((sentence) => sentence.replace(/ is left.*/, "")));
  expect(kinds(await leftBehind(options))).toEqual(new Set(["a socket", "a file", "a lock", "a process"]));
  const mayStay = [path("nbd"), `${disk}.blkmig.new`];
  expect(kinds(await leftBehind({ ...options, mayStay }))).toEqual(new Set(["a lock", "a process"]));

  server.process.kill("SIGTERM");
  await server.ended;
  expect(await leftBehind(options)).toEqual([expect.stringContaining(`${disk}.blkmig.new`)]);
  rmSync(`${disk}.blkmig.new`);
  expect(await leftBehind(options)).toEqual([]);
});
