// Writes the manual pages into a folder: node write-manual.ts FOLDER. Without SOURCE_DATE_EPOCH they have no date.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createProgram } from "../program.ts";
import { manualPages } from "./man-page.ts";

const folder = process.argv[2];
if (folder === undefined) throw new Error("write-manual.ts FOLDER");
const epoch = process.env["SOURCE_DATE_EPOCH"];
const date = epoch === undefined ? "" : new Date(Number(epoch) * 1000).toISOString().slice(0, 10);
const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const { version } = manifest as { version: string };
mkdirSync(folder, { recursive: true });
for (const { name, source } of manualPages(createProgram(version), date)) {
  writeFileSync(join(folder, `${name}.1`), source);
}
