import { writeFileSync } from "node:fs";

import { expect } from "vitest";

import { notInSchema } from "../event-schema.test-kit.ts";
import { type Ended, runBlkmig, temporaryFolder } from "../run-blkmig.test-kit.ts";

/** Inspects bytes in a file of the test's. */
export function createInspector(): (bytes: Uint8Array, ...more: readonly string[]) => Promise<Ended> {
  const path = temporaryFolder();
  return async (bytes, ...more) => {
    writeFileSync(path("stream"), bytes);
    const shown = await runBlkmig(["inspect", path("stream"), ...more]);
    expect(notInSchema(shown)).toEqual([]);
    return shown;
  };
}
