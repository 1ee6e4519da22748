import { crc32 as zlibCrc32 } from "node:zlib";

import { createRandom } from "@blkmig/testkit";
import { describe, expect, test } from "vitest";

import { loadCrc32 } from "./load-crc32.ts";

const random = createRandom(32);
const large = random.bytes(1_000_003);

/** Views of a larger buffer, as data is: of no bytes, of few, and of many, from wherever they begin. */
function views(): Uint8Array[] {
  const short = Array.from({ length: 70 }, (_, length) => large.subarray(random.int(64), length).slice());
  const viewed = Array.from({ length: 300 }, (_, nth) => {
    const from = random.int(100_000);
    return large.subarray(from, from + (nth < 100 ? nth : random.int(large.length - from)));
  });
  return [...short, ...viewed, large];
}

describe("the CRC-32 of the program", () => {
  test("is the native one here, or the rest of these tests would show nothing", async () => {
    expect(await loadCrc32()).not.toBe(zlibCrc32);
  });

  test("is that of zlib, wherever in a larger buffer the data lies", async () => {
    const crc32 = await loadCrc32();
    for (const data of views()) expect(crc32(data)).toBe(zlibCrc32(data));
  });

  test("goes on from a seed as zlib's does", async () => {
    const crc32 = await loadCrc32();
    for (const seed of [0, 1, 0x89ab_cdef]) expect(crc32(large, seed)).toBe(zlibCrc32(large, seed));
    expect(crc32(large.subarray(1000), crc32(large.subarray(0, 1000)))).toBe(zlibCrc32(large));
  });

  test("gives the native one the data, and nothing else", async () => {
    const given: unknown[][] = [];
    const native = (...values: unknown[]): number => {
      given.push(values);
      return zlibCrc32(values[0] as Uint8Array);
    };
    const crc32 = await loadCrc32(async () => ({ crc32: native }));
    given.length = 0; // what it was tried with
    [large, large.subarray(3)].map(crc32); // `map` passes an index
    crc32(large, 7);
    crc32(large);
    expect(given).toEqual([[large]]);
  });
});

describe("zlib's is taken where the native one", () => {
  test.each<readonly [string, Parameters<typeof loadCrc32>[0]]>([
    ["is not installed", async () => Promise.reject(new Error("Cannot find package"))],
    ["has another shape", async () => ({}) as never],
    ["errs", async () => ({ crc32: (data) => zlibCrc32(data) ^ 1 })],
    ["counts as signed", async () => ({ crc32: (data) => zlibCrc32(data) | 0 })],
    ["sees more than it is given", async () => ({ crc32: (data) => zlibCrc32(new Uint8Array(data.buffer)) })],
    [
      "throws",
      async () => ({
        crc32() {
          throw new Error("illegal instruction");
        },
      }),
    ],
  ])("%s", async (_why, load) => {
    expect(await loadCrc32(load)).toBe(zlibCrc32);
  });
});
