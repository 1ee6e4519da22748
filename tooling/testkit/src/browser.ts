// Of the testkit, what needs no Node.js: browsers load this in its place (vitest.browser.config.ts).
export * from "./naive-classic.ts";
export * from "./connection-suite.ts";
export { describeBlockDevice } from "./block-device-suite.ts";
export type { DiskUnderTest } from "./disk-under-test.ts";
export type { BlockDeviceShape, ExtentShape } from "./block-device-shape.ts";
export { createRandom, type SeededRandom } from "./seeded-random.ts";
export { withFaults, type Faults, type RequestShape } from "./faulty-device.ts";
