import { fileURLToPath } from "node:url";

import shared from "@blkmig/vitest-config";
import { defineProject, mergeConfig } from "vitest/config";

// blkmig is started hundreds of times: what V8 has compiled of it once is kept.
const env = { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/compiled", import.meta.url)) };
export default mergeConfig(shared, defineProject({ test: { testTimeout: 120_000, env } }));
