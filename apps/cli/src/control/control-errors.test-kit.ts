import { expect } from "vitest";

/** An answer that says no. */
export function refusalOf(id: number | null, code: string, exitCode: number, message: RegExp): unknown {
  return { id, error: { code, "exit-code": exitCode, message: expect.stringMatching(message) } };
}
