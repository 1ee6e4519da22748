import { afterEach, beforeEach } from "vitest";

import type { BlockDeviceShape } from "./block-device-shape.ts";

/** How a disk can be opened again after it was closed. */
export type OpensAgain = "writable" | "read-only";

/** A disk for one test. */
export interface DiskUnderTest {
  /** Writable, of the size asked for, full of anything. */
  readonly device: BlockDeviceShape;
  /** The same disk, opened again after `device` was closed, for disks that open again `writable`. */
  reopen?(): Promise<BlockDeviceShape>;
  /** The same, for disks that open again `read-only`. */
  reopenReadOnly?(): Promise<BlockDeviceShape>;
  /** Lets everything go. The suite has closed every device it was given. */
  cleanup(): Promise<void>;
}

/** Makes a disk before each test of the enclosing suite and lets it go after; the holder says which, while a test runs. */
export function useDisk(factory: () => Promise<DiskUnderTest>): { disk: DiskUnderTest; device: BlockDeviceShape } {
  const holder = {} as { disk: DiskUnderTest; device: BlockDeviceShape };
  beforeEach(async () => {
    holder.disk = await factory();
    holder.device = holder.disk.device;
  });
  afterEach(async () => {
    await holder.device.close();
    await holder.disk.cleanup();
  });
  return holder;
}
