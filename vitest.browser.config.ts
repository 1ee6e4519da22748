import { fileURLToPath } from "node:url";

import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";

import { commands } from "./tooling/browser/src/commands.ts";

export default defineConfig({
  resolve: {
    conditions: ["blkmig-source", "browser", "module", "import", "default"],
    // Of the testkit, browsers can load only what needs no Node.
    alias: { "@blkmig/testkit": fileURLToPath(new URL("tooling/testkit/src/browser.ts", import.meta.url)) },
  },
  test: {
    include: [
      "packages/protocol/src/**/*.test.ts",
      "packages/device/src/{buffer-pool,memory-device}.test.ts",
      "packages/sink/src/{session-state,sha256}.test.ts",
      "tooling/browser/src/**/*.test.ts",
    ],
    // What reads files or unzips them stays in Node.
    exclude: ["**/*.node.test.ts", "**/node_modules/**"],
    reporters: ["default", ["json", { outputFile: "packages/protocol/.test-results.browser.json" }]],
    testTimeout: 60_000,
    browser: {
      enabled: true,
      commands,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
          args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
          ],
        },
      }),
      instances: [{ browser: "chromium" }],
    },
  },
});
