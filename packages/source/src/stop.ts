import type { MigrationErrorCode } from "./migration-error.ts";

/** Why the migration must end, as first seen; the loop makes a `MigrationError` of it, with phase and guest. */
export class Stop extends Error {
  readonly code: MigrationErrorCode;

  constructor(code: MigrationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
