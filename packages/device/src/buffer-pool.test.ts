import { describe, expect, it } from "vitest";

import { createBufferPool } from "./buffer-pool.ts";

describe("createBufferPool", () => {
  it("makes at most `count` buffers, and hands the last one back out first", () => {
    const pool = createBufferPool({ bytes: 100, count: 2 });
    const first = pool.tryTake()!;
    const second = pool.tryTake()!;
    expect([first.length, second.length, pool.bytes]).toEqual([100, 100, 100]);
    expect(first.buffer).not.toBe(second.buffer);
    expect(pool.tryTake()).toBeUndefined();
    pool.give(first);
    pool.give(second);
    expect(pool.tryTake()).toBe(second);
    expect(pool.tryTake()).toBe(first);
  });

  it("serves those who wait first come first served, before a newcomer", async () => {
    const pool = createBufferPool({ bytes: 1, count: 1 });
    const buffer = await pool.take();
    const served: string[] = [];
    const one = pool.take().then((given) => {
      served.push("one");
      pool.give(given);
    });
    const two = pool.take().then((given) => {
      served.push("two");
      pool.give(given);
    });
    pool.give(buffer);
    expect(pool.tryTake()).toBeUndefined();
    await Promise.all([one, two]);
    expect(served).toEqual(["one", "two"]);
    expect(pool.tryTake()).toBe(buffer);
  });

  it("refuses a foreign buffer and one given before", () => {
    const pool = createBufferPool({ bytes: 4, count: 2 });
    const buffer = pool.tryTake()!;
    expect(() => pool.give(new Uint8Array(4))).toThrow(TypeError);
    expect(() => pool.give(buffer.subarray())).toThrow(TypeError);
    pool.give(buffer);
    expect(() => pool.give(buffer)).toThrow(TypeError);
  });

  it("refuses sizes and counts that are none", () => {
    for (const wrong of [0, -1, 1.5, Number.NaN]) {
      expect(() => createBufferPool({ bytes: wrong, count: 1 })).toThrow(RangeError);
      expect(() => createBufferPool({ bytes: 1, count: wrong })).toThrow(RangeError);
    }
  });
});
