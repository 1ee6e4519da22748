#!/usr/bin/env node
import { readFileSync } from "node:fs";

import { endingOf } from "./exit-code.ts";
import { leave } from "./leave.ts";
import { runProgram } from "./program.ts";

/** What nobody awaited is a bug, and told as one: no stack trace, unless asked for. */
function onBug(error: unknown): void {
  const { message } = endingOf(new Error(String(error), { cause: error }));
  process.stderr.write(`blkmig: ${message}\n`);
  if (process.env["BLKMIG_DEBUG"] === "1") console.error(error);
  process.exit(1);
}

process.on("uncaughtException", onBug);
process.on("unhandledRejection", onBug);

const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const { version } = manifest as { version: string };
await runProgram(version, process.argv);
leave();
