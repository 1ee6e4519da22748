export type { BlockDevice, Extent, Segments, ZeroOptions } from "./block-device.ts";
export { DeviceError, type DeviceErrorCode } from "./device-error.ts";
export type { DirtySet, Guest, Tracker } from "./tracking.ts";
export type { BufferPool } from "./buffer-pool.ts";
export type { DirtyBitmap, Run } from "./dirty-bitmap.ts";
