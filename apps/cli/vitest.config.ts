import { fileURLToPath } from "node:url";

import shared from "@blkmig/vitest-config";
import { defineProject, mergeConfig } from "vitest/config";

// Whole processes: one that never ends must fail its test, not hold it up. They wait more than they work, so three files at a time.
const processes = {
  testTimeout: 60_000,
  hookTimeout: 60_000,
  maxWorkers: 2,
  // Most of the work is to start blkmig, thousands of times: what V8 has compiled of it once is kept.
  env: { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/compiled", import.meta.url)) },
};
export default mergeConfig(shared, defineProject({ test: processes }));
