import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { root } from "./workspace.ts";

/** Where each class's union of codes stands. */
const CLASSES = {
  ProtocolError: "packages/protocol/src/protocol-error.ts",
  DeviceError: "packages/device/src/device-error.ts",
  TransportError: "packages/transport/src/transport-error.ts",
  JournalError: "packages/journal/src/journal-error.ts",
  NbdError: "packages/nbd/src/nbd-error.ts",
  QemuError: "packages/qemu/src/qemu-error.ts",
  MigrationError: "packages/source/src/migration-error.ts",
  LoadError: "packages/sink/src/load-error.ts",
} as const;

const docs = readFileSync(join(root, "docs/errors.md"), "utf8");

test.each(Object.entries(CLASSES))("docs/errors.md has the codes of %s", (name, file) => {
  const source = readFileSync(join(root, file), "utf8");
  const codes = [...source.matchAll(/^ {2}\| "([a-z-]+)"/gm)].map((match) => match[1] ?? "");
  const row = docs.split("\n").find((line) => line.startsWith(`| \`${name}\``)) ?? "";
  expect(codes.length).toBeGreaterThan(4);
  expect(codes.filter((code) => !row.includes(`\`${code}\``))).toEqual([]);
});
