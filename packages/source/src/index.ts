export { classicFormat, type ClassicFormatOptions } from "./classic-format.ts";
export { systemClock, type Clock } from "./clock.ts";
export { convergesByPending, convergesByReads, type ConvergenceRule, type ConvergenceView } from "./convergence.ts";
export { MigrationError, type MigrationErrorCode, type MigrationPhase } from "./migration-error.ts";
export type {
  MigrationOptions,
  MigrationResult,
  MigrationWire,
  SourceDisk,
  SourceLimits,
  SourceWire,
} from "./migration-options.ts";
export type { SessionOptions, SessionWire, SourceJournal } from "./session-options.ts";
export { createMigration, migrate, type Migration } from "./migration.ts";
export type { Source, SourceFigures, SourceOptions, SourceParts, Turn } from "./source-contract.ts";
export { qemuFormat, type QemuFormatOptions } from "./qemu-format.ts";
export { createSource } from "./source.ts";
export type {
  Converging,
  DiskStatistics,
  Influenced,
  MigrationEvent,
  MigrationStatus,
  Statistics,
} from "./statistics.ts";
export type { WireFormat } from "./wire-format.ts";
