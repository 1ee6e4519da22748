// All of this room that needs nothing of Node.js: `@blkmig/device/memory`, for browsers too (tsconfig.web.json holds it to that).
export type { BlockDevice, Extent, Segments, ZeroOptions } from "./block-device.ts";
export { DeviceError, type DeviceErrorCode } from "./device-error.ts";
export { checkExtent } from "./check-extent.ts";
export { createBufferPool, type BufferPool } from "./buffer-pool.ts";
export { createDirtyBitmap, type DirtyBitmap, type Run } from "./dirty-bitmap.ts";
export { type Clock, systemClock } from "./clock.ts";
export { createMemoryDevice, type MemoryDeviceOptions } from "./memory-device.ts";
export type { DirtySet } from "./tracking.ts";
export { createExtentQueue, type ExtentQueue } from "./extent-queue.ts";
export { withSize } from "./with-size.ts";
