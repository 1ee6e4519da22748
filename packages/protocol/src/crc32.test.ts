import { crc32 } from "@blkmig/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { naiveCrc32 } from "../test/naive-session.ts";

describe("the pure CRC-32", () => {
  it("of 123456789 is cbf43926, as the catalogues say", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf4_3926);
    expect(crc32(new Uint8Array())).toBe(0);
  });

  it("is the one that goes bit by bit, for views at any place and of any length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), (bytes, from) => {
        expect(crc32(bytes.subarray(from))).toBe(naiveCrc32(bytes.subarray(from)));
      }),
    );
  });

  it("goes on from a seed where the bytes were cut", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(crc32(bytes));
      }),
    );
  });
});
