export type { Connection, Segments } from "./connection.ts";
export { memoryPair, type MemoryPairOptions } from "./memory-pair.ts";
export type { MemoryPipeOptions } from "./memory-pipe.ts";
