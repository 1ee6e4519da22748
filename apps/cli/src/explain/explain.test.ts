import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { runBlkmig } from "../run-blkmig.test-kit.ts";
import { EXPLAINED, explain, explainedPage } from "./explain.ts";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

it("docs/errors.md says of each code what is said here, and of no other", () => {
  const docs = readFileSync(join(ROOT, "docs/errors.md"), "utf8");
  const [, section = ""] = docs.split("<!-- made by apps/cli/src/explain/write-page.ts -->\n");
  expect(section.trim()).toBe(explainedPage().trim());
});

it("each code has its cause and its remedy, in whole sentences", () => {
  const all = EXPLAINED.flatMap(({ codes }) => Object.values(codes)).flatMap(({ cause, remedy }) => [cause, remedy]);
  expect(all.length).toBeGreaterThan(120);
  expect(all.filter((sentence) => !/^[A-Z`].{12,}\.$/.test(sentence))).toEqual([]);
});

it("a code of several rooms is explained for each of them", async () => {
  const { code, stdout, stderr } = await runBlkmig(["explain", "wire"], { env: { COLUMNS: "60" } });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^MigrationError: a sender\n(.*\n)+\nLoadError: a receiver\n/);
  expect(stdout.split("\n").filter((line) => line.length > 60)).toEqual([]);
});

it.each(["nothing-known", "constructor", ""])("'%s' is no code, and those that are one are told", (code) => {
  expect(() => explain(code, 80)).toThrow(/is no code of an error; they are bad-checksum, .*usage/);
});

function testsIn(folder: string): string {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  const tests = files.filter((file) => /\.test(-kit)?\.ts$/.test(file));
  return tests.map((file) => readFileSync(join(ROOT, folder, file), "utf8")).join("\n");
}

const OF_ALL = ["apps/cli/src", "tooling/interop/src", "tooling/simulator/src"].map(testsIn).join("\n");

/** Where the codes of a class may be met by a test. */
const ROOMS: Readonly<Record<string, string>> = {
  MigrationError: "source",
  LoadError: "sink",
  DeviceError: "device",
  JournalError: "journal",
  QemuError: "qemu",
  TransportError: "transport",
  NbdError: "nbd",
  ProtocolError: "protocol",
};

describe.each(Object.entries(ROOMS))("of %s", (name, room) => {
  it("each code is met by a test of its room, or of the program", () => {
    const { codes } = EXPLAINED.find(({ title }) => title.startsWith(`${name}:`))!;
    const tests = testsIn(`packages/${room}/src`) + OF_ALL;
    expect(Object.keys(codes).filter((code) => !tests.includes(`"${code}"`))).toEqual([]);
  });
});
