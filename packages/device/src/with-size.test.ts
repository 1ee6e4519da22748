import { describeBlockDevice } from "@blkmig/testkit";
import { expect, test } from "vitest";

import { createMemoryDevice } from "./memory-device.ts";
import { withSize } from "./with-size.ts";

describeBlockDevice("the first bytes of a larger disk", async (size) => ({
  device: withSize(createMemoryDevice({ size: size + 4096, fill: 0xe5 }), size),
  cleanup: async () => {},
}));

test("what lies behind is never touched", async () => {
  const device = createMemoryDevice({ size: 8192, fill: 0xe5 });
  const first = withSize(device, 4096);
  await first.zero(0, 4096);
  await first.write(0, [new Uint8Array(4096)]);
  const behind = new Uint8Array(4096);
  await device.read(4096, behind);
  expect(behind.every((byte) => byte === 0xe5)).toBe(true);
});

test("a disk cannot be larger than what it is kept in", () => {
  expect(() => withSize(createMemoryDevice({ size: 512 }), 1024)).toThrow(RangeError);
});
