import { expect, test } from "vitest";

import { createIovecs } from "./linux-iovec.ts";

test("says where each segment is and how long, for the front of them that there is room for", () => {
  const iovecs = createIovecs(2, (segment) => 2n ** 47n + BigInt(segment.byteOffset));
  const memory = new Uint8Array(100);
  expect(iovecs.put([memory.subarray(3, 10), memory.subarray(20, 20), memory.subarray(50)])).toBe(2);
  const view = new DataView(iovecs.bytes.buffer);
  expect([0, 8, 16, 24].map((at) => view.getBigUint64(at, true))).toEqual([2n ** 47n + 3n, 7n, 2n ** 47n + 20n, 0n]);
  expect(iovecs.put([memory])).toBe(1);
  expect(view.getBigUint64(8, true)).toBe(100n);
});
