export { systemClock, type Clock } from "./clock.ts";
export { MigrationError, type MigrationErrorCode, type MigrationPhase } from "./migration-error.ts";
export type { MigrationOptions, MigrationResult, SourceDisk, SourceLimits, SourceWire } from "./migration-options.ts";
export type { DiskStatistics, MigrationEvent, MigrationStatus, Statistics } from "./statistics.ts";
export type { Wire } from "./wire.ts";
