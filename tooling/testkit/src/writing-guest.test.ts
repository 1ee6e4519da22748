import { describe, expect, it } from "vitest";

import type { BlockDeviceShape } from "./block-device-shape.ts";
import { withFaults } from "./faulty-device.ts";
import { createRandom } from "./seeded-random.ts";
import { createWritingGuest } from "./writing-guest.ts";

/** The plainest disk: one array. */
function createArrayDisk(bytes: Uint8Array): BlockDeviceShape {
  return {
    name: "array",
    size: bytes.length,
    readOnly: false,
    read: async (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
    async write(offset, data) {
      let at = offset;
      for (const segment of data) {
        bytes.set(segment, at);
        at += segment.length;
      }
    },
    zero: async (offset, length) => void bytes.fill(0, offset, offset + length),
    async *extents(offset, length) {
      yield { offset, length, zero: false, allocated: true };
    },
    flush: async () => {},
    close: async () => {},
  };
}

describe("createWritingGuest", () => {
  it("does the same for the same seed, and says what the disk holds", async () => {
    const disks = [new Uint8Array(100_000).fill(0xee), new Uint8Array(100_000).fill(0xee)];
    for (const bytes of disks) {
      const device = createArrayDisk(bytes);
      const guest = createWritingGuest({ device, random: createRandom(7) });
      for (let nth = 0; nth < 300; nth++) await guest.step();
      expect(await guest.verify(device)).toEqual([]);
      expect(guest.written).toBeGreaterThanOrEqual(300 * 512);
      for (const { offset, bytes: held } of guest.expected()) {
        expect(Buffer.compare(held, bytes.subarray(offset, offset + 512))).toBe(0);
      }
    }
    expect(Buffer.compare(disks[0]!, disks[1]!)).toBe(0);
  });

  it("tells a lost, an older, a misplaced and a torn record", async () => {
    const bytes = new Uint8Array(512);
    const device = createArrayDisk(bytes);
    const guest = createWritingGuest({ device, random: createRandom(1) });
    const copies: Uint8Array[] = [];
    while (copies.length < 2) {
      await guest.step();
      if (bytes.some((byte) => byte !== 0)) copies.push(bytes.slice());
    }
    const [older, newer] = copies as [Uint8Array, Uint8Array];
    const verdictOn = async (content: Uint8Array) => guest.verify(createArrayDisk(content));
    expect(await verdictOn(newer)).toEqual([]);
    expect(await verdictOn(older)).toEqual([expect.stringMatching(/^at 0: record \d+, older than \d+$/)]);
    expect(await verdictOn(new Uint8Array(512))).toEqual(["at 0: zeros, no record"]);
    expect(await verdictOn(newer.with(511, (newer[511] ?? 0) ^ 1))).toEqual(["at 0: a torn record"]);
    expect(await verdictOn(newer.with(15, 9))).toEqual(["at 0: the record that belongs at 9"]);
  });

  it("does not judge what a failed write left behind", async () => {
    const bytes = new Uint8Array(4096);
    const broken = withFaults(createArrayDisk(bytes), {
      failWrite: () => new Error("no"),
      failZero: () => new Error("no"),
      torn: true,
    });
    const guest = createWritingGuest({ device: broken, random: createRandom(2) });
    await expect(guest.step()).rejects.toThrow("no");
    expect(bytes.some((byte) => byte !== 0)).toBe(true);
    expect([...guest.expected()]).toEqual([]);
    expect(guest.written).toBe(0);
  });
});

describe("createRandom", () => {
  it("gives the same for the same seed, inside its bounds", () => {
    const [a, b] = [createRandom(5), createRandom(5)];
    const counts = [0, 0, 0, 0];
    for (let nth = 0; nth < 4000; nth++) {
      const drawn = a.int(4);
      expect(b.int(4)).toBe(drawn);
      counts[drawn]! += 1;
    }
    expect(counts.every((count) => count > 900)).toBe(true);
    expect(a.bytes(5)).toEqual(b.bytes(5));
    expect(a.next()).toBeLessThan(1);
    expect(() => a.pick([])).toThrow(RangeError);
  });
});
