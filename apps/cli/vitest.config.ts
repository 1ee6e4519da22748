import shared from "@blkmig/vitest-config";
import { defineProject, mergeConfig } from "vitest/config";

// Whole processes: one that never ends must fail its test, not hold it up. They wait more than they work, so two files at a time.
const processes = { testTimeout: 60_000, hookTimeout: 60_000, maxWorkers: 2 };
export default mergeConfig(shared, defineProject({ test: processes }));
