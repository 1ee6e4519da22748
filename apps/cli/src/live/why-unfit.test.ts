import { expect, it } from "vitest";

import { whyUnfit } from "./why-unfit.ts";

type There = Parameters<typeof whyUnfit>[0];

const FEATURES: There["features"] = {
  flush: true,
  fua: true,
  trim: true,
  writeZeroes: true,
  fastZero: true,
  cache: false,
  multiConn: true,
  structured: true,
  allocation: true,
  allocationDepth: false,
};
const there: There = {
  size: 4096,
  readOnly: false,
  blockSizes: { minimum: 1, preferred: 4096, maximum: 65536 },
  features: FEATURES,
  identity: { run: "r", disk: "m" },
};
const wanted = { size: 4096, readOnly: false, minimumBlock: 1, migration: "m" };

it("a disk that offers as much fits", () => {
  expect(whyUnfit(there, wanted)).toBeUndefined();
  expect(
    whyUnfit({ ...there, blockSizes: { ...there.blockSizes, minimum: 512 } }, { ...wanted, minimumBlock: 512 }),
  ).toBeUndefined();
});

it.each([
  ["another migration's", { identity: { run: "r", disk: "-" } }, /not the target of migration m/],
  ["nobody's", { identity: undefined }, /not the target of migration m/],
  ["smaller", { size: 512 }, /512 bytes there, and 4096 here/],
  ["in larger blocks", { blockSizes: { ...there.blockSizes, minimum: 512 } }, /multiples of 512 bytes/],
  ["read-only", { readOnly: true }, /read-only there/],
  ["without flushes", { features: { ...FEATURES, flush: false } }, /offered flush, which/],
  ["without FUA, and for one client", { features: { ...FEATURES, fua: false, multiConn: false } }, /fua, multi-conn/],
  ["without zeroing", { features: { ...FEATURES, writeZeroes: false, trim: false } }, /trim, write zeroes/],
])("one that is %s does not", (_, differs, why) => {
  expect(whyUnfit({ ...there, ...differs }, wanted)).toMatch(why);
});

it("who only reads needs neither flushes nor a disk that is written", () => {
  const features = { ...FEATURES, flush: false, fua: false, trim: false, writeZeroes: false };
  expect(whyUnfit({ ...there, readOnly: true, features }, { ...wanted, readOnly: true })).toBeUndefined();
});
