import shared from "@blkmig/vitest-config";
import { defineProject, mergeConfig } from "vitest/config";

// Some of the tests run whole programs.
export default mergeConfig(shared, defineProject({ test: { testTimeout: 60_000 } }));
