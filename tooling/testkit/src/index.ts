export { blockBodies } from "./capture-envelope.ts";
export * from "./naive-classic.ts";
export * from "./connection-suite.ts";
export { describeBlockDevice, type DiskUnderTest } from "./block-device-suite.ts";
export type { BlockDeviceShape, ExtentShape } from "./block-device-shape.ts";
export { createRandom, type SeededRandom } from "./seeded-random.ts";
export { recordingWire, type RecordingWire, type RecordingWireOptions } from "./recording-wire.ts";
export { withFaults, type Faults, type RequestShape } from "./faulty-device.ts";
export { createWritingGuest, type WritingGuest, type WritingGuestOptions } from "./writing-guest.ts";
