// Installs (and with "build", builds) on a machine that has Node.js and npm and nothing else:
//   node tooling/scripts/setup.mjs [build]
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const environment = { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" };

const asParent = { cwd: root, stdio: "inherit", env: environment };

/** Runs the pnpm that package.json names: the one in PATH if it is the same, else by npx. */
export function pnpm(...args) {
  const [command, ...before] = pnpmCommand();
  execFileSync(command, [...before, ...args], asParent);
}

/** The same, beside whatever else there is to do. Settles when it has ended well; throws if it has not. */
export async function pnpmBeside(...args) {
  const [command, ...before] = pnpmCommand();
  const [code, signal] = await once(spawn(command, [...before, ...args], asParent), "close");
  if (code !== 0) throw new Error(`pnpm ${args.join(" ")} ended (${code ?? signal})`);
}

function pnpmCommand() {
  const { packageManager } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return isInPath(packageManager) ? ["pnpm"] : ["npx", "--yes", packageManager];
}

function isInPath(packageManager) {
  try {
    const version = execFileSync("pnpm", ["--version"], { cwd: root, stdio: ["ignore", "pipe", "ignore"] });
    return `pnpm@${version.toString().trim()}` === packageManager;
  } catch {
    return false; // no pnpm here
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  pnpm("install", "--frozen-lockfile");
  if (process.argv.includes("build")) pnpm("run", "build");
}
