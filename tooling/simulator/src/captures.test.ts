import { type BlockDevice, createMemoryDevice } from "@blkmig/device";
import { load } from "@blkmig/sink";
import { captured, captures, sha256 } from "@blkmig/testkit";
import { memoryPair } from "@blkmig/transport/memory";
import { expect, test } from "vitest";

async function hashOf(device: BlockDevice): Promise<string> {
  const bytes = Buffer.alloc(device.size);
  await device.read(0, bytes);
  return sha256(bytes);
}

test.each(captures)("$name loads to the disks that QEMU had, onto garbage", async ({ name: capture, disks }) => {
  const stream = captured(capture);
  const targets = disks.map(([name, size]) => ({ name, device: createMemoryDevice({ name, size, fill: 0xe5 }) }));
  const [qemu, us] = memoryPair({ capacity: stream.length, split: (available) => Math.ceil(available / 3) });
  await qemu.send([stream]);
  await qemu.finish();
  await load({ disks: targets, wire: us });
  const found = await Promise.all(targets.map(async ({ name, device }) => [name, device.size, await hashOf(device)]));
  expect(found).toEqual(disks);
});
