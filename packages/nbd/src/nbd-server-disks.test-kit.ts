import { randomBytes } from "node:crypto";
import { truncate, writeFile } from "node:fs/promises";

import { type BlockDevice, DeviceError } from "@blkmig/device";

import { type Served, serveForPrograms } from "./nbd-server-programs.test-kit.ts";

const MiB = 1024 * 1024;
export const SIZE: number = 24 * MiB;

/** A disk of data, a hole, and data. */
export function content(): Buffer {
  return Buffer.concat([randomBytes(4 * MiB), Buffer.alloc(8 * MiB), randomBytes(SIZE - 12 * MiB)]);
}

/** A server of `disk`; `fixed`, which is read-only; `sectors`, the first one by whole blocks; and `broken`. */
export async function serveTestDisks(): Promise<Served> {
  const served = await serveForPrograms();
  const { path, open, offer } = served;
  const bytes = content();
  await writeFile(path("disk.img"), bytes.subarray(0, 4 * MiB));
  await truncate(path("disk.img"), SIZE);
  const device = await open("disk.img");
  await device.write(12 * MiB, [bytes.subarray(12 * MiB)]);
  await writeFile(path("fixed.img"), randomBytes(MiB));
  const fixed = await open("fixed.img", { readOnly: true });
  offer(
    { name: "disk", description: "a disk of tests", device },
    { name: "fixed", device: fixed },
    { name: "sectors", device, blockSizes: { minimum: 512, maximum: MiB } },
    { name: "broken", device: brokenDisk(device) },
  );
  return served;
}

/** Its first MiB cannot be read or written, nor anything be flushed. */
function brokenDisk(whole: BlockDevice): BlockDevice {
  const fail = (code: "io" | "no-space") => new DeviceError(code, "broken", "made to fail");
  return {
    ...whole,
    async read(offset, into) {
      if (offset < MiB) throw fail("io");
      return whole.read(offset, into);
    },
    async write(offset, data) {
      if (offset < MiB) throw fail("no-space");
      return whole.write(offset, data);
    },
    async flush() {
      throw fail("io");
    },
  };
}
