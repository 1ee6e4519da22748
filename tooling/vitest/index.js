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
    unstubEnvs: true,
    restoreMocks: true,
  },
});
