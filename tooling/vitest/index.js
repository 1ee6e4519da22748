import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

// "blkmig-source" makes every workspace package resolve to its TypeScript
// source, so tests need no build and coverage maps to src/.
const conditions = ["blkmig-source", ...defaultServerConditions];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["src/**/*.test.ts"],
    reporters: ["default", ["json", { outputFile: ".test-results.json" }]],
    // Two cores, shared and noisy: a test that hangs must end, a slow one need not.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    unstubEnvs: true,
    restoreMocks: true,
  },
});
