import { randomUUID } from "node:crypto";

const PREFIX = "classic-";

/** What a stream without a session is called in records: nobody can come back to it. */
export function createClassicId(): string {
  return `${PREFIX}${randomUUID()}`;
}

export function isClassic(migration: string): boolean {
  return migration.startsWith(PREFIX);
}
