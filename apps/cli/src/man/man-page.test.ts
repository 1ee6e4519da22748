import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { createProgram } from "../program.ts";
import { manualPages } from "./man-page.ts";

const ROOT = new URL("../../", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8")) as { version: string; man: string[] };
const pages = manualPages(createProgram(manifest.version), "2001-02-03");
const lacks = (program: string): boolean => spawnSync(program, ["-V"]).error !== undefined;

it("the package lists a page for the program and for each command, and they are built", () => {
  const files = pages.map(({ name }) => `./dist/man/${name}.1`).toSorted();
  expect(manifest.man.toSorted()).toEqual(files);
  const built = readdirSync(fileURLToPath(new URL("dist/man", ROOT))).map((file) => `./dist/man/${file}`);
  expect(built.toSorted()).toEqual(files);
});

it("the pages that were built are those of this program, without a date", () => {
  for (const { name, source } of manualPages(createProgram(manifest.version), "")) {
    expect(readFileSync(new URL(`dist/man/${name}.1`, ROOT), "utf8")).toBe(source);
  }
});

it("every option of a command is in its page, and every exit code in that of the program", () => {
  const page = pages.find(({ name }) => name === "blkmig-send")!.source;
  for (const { long } of createProgram("0").commands.find((command) => command.name() === "send")!.options) {
    expect(page).toContain(long!.replaceAll("-", String.raw`\-`));
  }
  const [, exits] = pages[0]!.source.split(".SH EXIT STATUS");
  for (const code of [0, 1, 2, 3, 4, 5, 6, 130]) expect(exits).toContain(`\n\\fB${code}\\fR\n`);
  expect(page).toContain("\n\\fB2\\fR\nblkmig's own session");
});

describe.each(pages.map((page) => [page.name, page.source] as const))("%s(1)", (_, source) => {
  it.skipIf(lacks("mandoc"))("has nothing that mandoc warns of (Debian package mandoc)", () => {
    const { stdout, status } = spawnSync("mandoc", ["-T", "lint", "-W", "warning"], {
      input: source,
      encoding: "utf8",
    });
    expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
  });
});
