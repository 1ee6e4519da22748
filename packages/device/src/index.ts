export type { BlockDevice, Extent, Segments, ZeroOptions } from "./block-device.ts";
export { DeviceError, type DeviceErrorCode } from "./device-error.ts";
export type { DirtySet, Guest, Tracker } from "./tracking.ts";
export { createBufferPool, type BufferPool } from "./buffer-pool.ts";
export { createDirtyBitmap, type DirtyBitmap, type Run } from "./dirty-bitmap.ts";
export { createMemoryDevice, type MemoryDeviceOptions } from "./memory-device.ts";
export { openDisk, type OpenDisk, type OpenDiskOptions } from "./open-disk.ts";
export { identifyDisk, sameDisk, type DiskIdentity } from "./disk-identity.ts";
export { loadSyscalls, type Syscalls } from "./syscalls.ts";
