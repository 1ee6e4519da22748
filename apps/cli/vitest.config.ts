import shared from "@blkmig/vitest-config";
import { defineProject, mergeConfig } from "vitest/config";

// Whole processes: one that never ends must fail its test, not hold it up.
export default mergeConfig(shared, defineProject({ test: { testTimeout: 60_000, hookTimeout: 60_000 } }));
