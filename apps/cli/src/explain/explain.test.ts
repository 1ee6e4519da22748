import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { EXIT } from "../exit-code.ts";
import { runBlkmig } from "../run-blkmig.test-kit.ts";
import { EXITS } from "./explain-exits.ts";
import { EXPLAINED, explain, explainedPage } from "./explain.ts";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

it("docs/errors.md says of each code what is said here, and of no other", () => {
  const docs = readFileSync(join(ROOT, "docs/errors.md"), "utf8");
  const [, section = ""] = docs.split("<!-- made by apps/cli/src/explain/write-page.ts -->\n");
  expect(section.trim()).toBe(explainedPage().trim());
});

it("each code has its cause and its remedy, in whole sentences", () => {
  const all = EXPLAINED.flatMap(({ codes }) => Object.values(codes)).flatMap(({ cause, remedy, left = remedy }) => [
    cause,
    remedy,
    left,
  ]);
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
  expect(() => explain(code, 80)).toThrow(/is no code of an error nor an exit code; they are bad-checksum, .*usage/);
});

it("apps/cli/README.md says of each exit code what is said here, and of no other", () => {
  const readme = readFileSync(join(ROOT, "apps/cli/README.md"), "utf8");
  const [, section = ""] = readme.split("\n## Exit codes\n");
  const rows = [...section.split("\n## ")[0]!.matchAll(/^\| (\d+) +\| (.*?) +\|$/gm)];
  expect(rows.map(([, code, means]) => [Number(code), means])).toEqual(
    [...EXITS].map(([code, { means }]) => [code, means]),
  );
  expect(new Set(EXITS.keys())).toEqual(new Set(Object.values(EXIT)));
});

it("a number is an exit code, and what to do after it", () => {
  expect(explain("4", 1000)).toMatch(/^Exit code 4\n {2}In doubt: .*\.\n {2}Use neither disk\. .*--resume/);
  expect(() => explain("7", 80)).toThrow(/'7' is no code of an error nor an exit code/);
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
