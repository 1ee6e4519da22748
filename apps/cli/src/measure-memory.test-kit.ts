import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

/** KiB, what `getrusage` counts in. */
const KIB = 1024;

/**
 * Lets a process write down, when it ends, the most memory it ever had. `path` is in a folder of the test's; the result goes
 * to `env` of the process to be measured.
 */
export function measureMemory(path: string): { readonly env: Readonly<Record<string, string>>; peak(): number } {
  const preload = `${path}.mjs`;
  writeFileSync(
    preload,
    `import { writeFileSync } from "node:fs";
process.on("exit", () => writeFileSync(${JSON.stringify(path)}, String(process.resourceUsage().maxRSS)));`,
  );
  return { env: { NODE_OPTIONS: `--import=file://${preload}` }, peak: () => Number(readFileSync(path, "utf8")) * KIB };
}

/** Bytes that an empty Node.js has at its most, measured the same way. */
export function emptyNodeMemory(path: string): number {
  const { env, peak } = measureMemory(path);
  execFileSync(process.execPath, ["-e", "0"], { env: { ...process.env, ...env } });
  return peak();
}
