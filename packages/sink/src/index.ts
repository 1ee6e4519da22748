export { LoadError, type LoadErrorCode } from "./load-error.ts";
export type {
  LoadEvent,
  LoadOptions,
  LoadProgress,
  LoadResult,
  SinkDisk,
  SinkLimits,
  SinkWire,
} from "./load-options.ts";
export { loadFromQemu, type MachineState, type QemuLoadOptions, type QemuLoadResult } from "./load-from-qemu.ts";
export { load } from "./load.ts";
export type * from "./session-contract.ts";
export { createSinkSession } from "./sink-session.ts";
export {
  landFirstBlock,
  withholdFirstBlock,
  type WithheldFirstBlock,
  type WithholdOptions,
} from "./withhold-first-block.ts";
