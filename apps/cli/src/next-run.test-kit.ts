import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect } from "vitest";

import { sameFiles } from "./make-disks.test-kit.ts";
import { expectNothingLeft } from "./nothing-left-behind.test-kit.ts";
import { runBlkmig, startBlkmig } from "./run-blkmig.test-kit.ts";

/** Disks by their names. */
type Disks = Readonly<Record<string, string>>;

/** Moves disks whose owner this host is by now to new targets, in a folder beside the first: throws if what befell them is in the way, or anything is left. */
export async function expectNextRun(disks: Disks, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const folder = join(dirname(Object.values(disks)[0]!), "next");
  mkdirSync(folder);
  const targets = Object.fromEntries(Object.keys(disks).map((name) => [name, join(folder, name)]));
  const at = `unix://${join(folder, "socket")}`;
  const receiver = startBlkmig(["receive", at, "--json", "--create", ...words(targets)], { env });
  const sent = await runBlkmig(["send", await receiver.url(), "--json", ...words(disks)], { env });
  const received = await receiver.ended;
  expect({ sent: sent.code, received: received.code, said: sent.stderr + received.stderr }).toMatchObject({
    sent: 0,
    received: 0,
  });
  for (const [name, disk] of Object.entries(disks)) expect(sameFiles(disk, targets[name]!)).toBe(true);
  await expectNothingLeft({ folders: [folder], disks: [...Object.values(disks), ...Object.values(targets)] });
}

function words(disks: Disks): readonly string[] {
  return Object.entries(disks).flatMap(([name, path]) => ["--disk", `${name}=${path}`]);
}
