import { writeFileSync } from "node:fs";

import { type Ended, runBlkmig, temporaryFolder } from "../run-blkmig.test-kit.ts";

/** Inspects bytes in a file of the test's. */
export function createInspector(): (bytes: Uint8Array, ...more: readonly string[]) => Promise<Ended> {
  const path = temporaryFolder();
  return async (bytes, ...more) => {
    writeFileSync(path("stream"), bytes);
    return runBlkmig(["inspect", path("stream"), ...more]);
  };
}
