export type { Connection } from "./connection.ts";
export { memoryPair, type MemoryPairOptions } from "./memory-pair.ts";
