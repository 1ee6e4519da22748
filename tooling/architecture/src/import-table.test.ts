import { describe, expect, test } from "vitest";

import { importsOf, isTest, rooms, textOf } from "./workspace.ts";

/** docs/architecture.md, "Who may import whom": our own packages, for each package. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "@blkmig/protocol": [],
  "@blkmig/device": [],
  "@blkmig/transport": [],
  "@blkmig/journal": [],
  "@blkmig/nbd": ["@blkmig/device", "@blkmig/transport"],
  "@blkmig/qemu": ["@blkmig/device", "@blkmig/nbd", "@blkmig/transport"],
  "@blkmig/source": ["@blkmig/protocol", "@blkmig/device"],
  "@blkmig/sink": ["@blkmig/protocol", "@blkmig/device"],
  blkmig: [
    "@blkmig/device",
    "@blkmig/journal",
    "@blkmig/nbd",
    "@blkmig/protocol",
    "@blkmig/qemu",
    "@blkmig/sink",
    "@blkmig/source",
    "@blkmig/transport",
  ],
};
/** Other people's packages that each of ours may need when it runs. */
const MAY_DEPEND: Readonly<Record<string, readonly string[]>> = {
  "@blkmig/device": ["koffi"],
  "@blkmig/journal": ["valibot"],
  "@blkmig/qemu": ["valibot"],
  "@blkmig/transport": ["ws"],
  blkmig: ["@node-rs/crc32", "commander", "koffi", "valibot", "ws"],
};
const JUNK = /^(core|common|shared|utils?|helpers?|types|lib|misc)(\.ts)?$/;

const packageOf = (specifier: string): string => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
const isOurs = (specifier: string): boolean => packageOf(specifier) === "blkmig" || specifier.startsWith("@blkmig/");

const all = rooms();
const published = all.filter(({ manifest }) => !manifest.private);

test("every published package stands in the table", () => {
  expect(published.map(({ manifest }) => manifest.name).toSorted()).toEqual(Object.keys(MAY_IMPORT).toSorted());
});

describe.each(published.map((room) => ({ name: room.manifest.name, room })))("$name", ({ name, room }) => {
  test("depends on what the table allows", () => {
    const { dependencies = {}, optionalDependencies = {} } = room.manifest;
    const needs = Object.keys({ ...dependencies, ...optionalDependencies });
    const allowed = new Set([...(MAY_IMPORT[name] ?? []), ...(MAY_DEPEND[name] ?? [])]);
    expect(needs.filter((need) => !allowed.has(need))).toEqual([]);
  });

  const shipped = room.files.filter((file) => !isTest(file));
  test.each(shipped)("%s imports what the table allows, by its front door", (file) => {
    for (const specifier of importsOf(room, file)) {
      if (isOurs(specifier)) expect(MAY_IMPORT[name]).toContain(packageOf(specifier));
      expect(specifier).not.toMatch(/\/(src|dist)\//);
      if (name === "@blkmig/protocol") expect(specifier).toMatch(/^\.\//);
    }
  });

  test("prints nothing by itself, unless it is the program", () => {
    const printing = shipped.filter((file) => /\bconsole\./.test(textOf(room, file)));
    expect(name === "blkmig" ? [] : printing).toEqual([]);
  });
});

test("the program carries our packages: it depends on none of them, and on what they depend on", () => {
  const program = all.find(({ manifest }) => manifest.name === "blkmig")!.manifest;
  const carried = published.map(({ manifest }) => manifest).filter(({ name }) => name !== "blkmig");
  const needed = (which: "dependencies" | "optionalDependencies"): readonly string[] =>
    carried.flatMap((manifest) => Object.keys({ ...manifest[which] })).filter((need) => !isOurs(need));
  expect(Object.keys({ ...program.dependencies, ...program.optionalDependencies }).filter(isOurs)).toEqual([]);
  expect(Object.keys({ ...program.dependencies })).toEqual(expect.arrayContaining([...needed("dependencies")]));
  expect(Object.keys({ ...program.optionalDependencies })).toEqual(
    expect.arrayContaining([...needed("optionalDependencies")]),
  );
});

test("no relative import leaves its room", () => {
  for (const room of all) {
    for (const file of room.files) {
      const depth = file.split("/").length - 1;
      for (const specifier of importsOf(room, file)) {
        const climbs = specifier.split("/").filter((part) => part === "..").length;
        expect(climbs, `${room.folder}/${file} imports ${specifier}`).toBeLessThanOrEqual(depth);
      }
    }
  }
});

test("the testkit imports none of ours, and nobody but tests and tools imports it", () => {
  const testkit = all.find(({ manifest }) => manifest.name === "@blkmig/testkit")!;
  expect(testkit.files.flatMap((file) => importsOf(testkit, file)).filter(isOurs)).toEqual([]);
  const shipped = published.flatMap((room) =>
    room.files.filter((file) => !isTest(file)).map((file) => ({ room, file })),
  );
  const importers = shipped.filter(({ room, file }) => importsOf(room, file).includes("@blkmig/testkit"));
  expect(importers.map(({ room, file }) => `${room.folder}/${file}`)).toEqual([]);
});

test("source and sink know no wire", () => {
  for (const { manifest } of all.filter(({ folder }) => ["packages/source", "packages/sink"].includes(folder))) {
    expect(Object.keys({ ...manifest.dependencies })).not.toContain("@blkmig/transport");
  }
});

test("there is no junk drawer", () => {
  const drawers = all.flatMap(({ folder, files }) =>
    files.filter((file) => file.split("/").some((part) => JUNK.test(part))).map((file) => `${folder}/${file}`),
  );
  expect(drawers).toEqual([]);
});
