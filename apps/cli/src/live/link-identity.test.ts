import { expect, test } from "vitest";

import { createLinkIdentities } from "./link-identity.ts";
import type { LiveDiskParts } from "./live-contract.ts";

const AT = { disk: "vda", size: 512, attempt: 1, at: "" };
const target = { ...AT, role: "target", migration: "m1", state: "committed", held: [] } as const;
const sent = { ...AT, role: "source", migration: "m2", state: "moved" } as const;

/** Of a disk, only this is looked at. */
const partsOf = (record: LiveDiskParts["record"], kind = "file") => ({ disk: { kind }, record }) as LiveDiskParts;

test.each([
  ["came", target, "m1"],
  ["came, and has moved on", { ...sent, brought: "m1" }, "m1"],
  ["was here from the first", sent, "-"],
  ["no migration has touched", undefined, "-"],
])("a disk that %s is known by what brought it", async (_, record, disk) => {
  const identify = await createLinkIdentities(undefined);
  expect(identify(partsOf(record)).disk).toBe(disk);
});

test("a disk that is about to come is known by the migration that brings it", async () => {
  const identify = await createLinkIdentities("m3");
  expect(identify(partsOf(target)).disk).toBe("m3");
});

test("what another server holds may be lost with this program, and a file with the kernel alone", async () => {
  const [first, again] = [await createLinkIdentities(undefined), await createLinkIdentities(undefined)];
  expect(first(partsOf(target)).run).toBe(again(partsOf(target)).run);
  expect(first(partsOf(target, "nbd")).run).not.toBe(again(partsOf(target, "nbd")).run);
});
