import { expect, it } from "vitest";

import { formatName, type OurName, parseName } from "./names.ts";

const MIGRATIONS = ["a", "0", "-", "9f3c-77", "A".repeat(64)];
const NAMES: readonly OurName[] = [
  { is: "disk", disk: 0 },
  { is: "disk", disk: 31 },
  { is: "pass", pass: 0, disk: 1 },
  { is: "pass", pass: 123_456, disk: 0 },
  { is: "writes", pass: 7 },
  { is: "mark", mark: "stopped" },
  { is: "mark", mark: "asked" },
  { is: "mark", mark: "moved" },
  { is: "mark", mark: "machine" },
  { is: "mark", mark: "before-rpe-300" },
  { is: "mark", mark: "before--" },
  { is: "server", pid: 4_194_304, start: "18446744073709551615" },
];
const ALL = MIGRATIONS.flatMap((migration) => NAMES.map((name) => ({ migration, name })));

it("reads what it writes, and QEMU takes it as an id and as a bitmap's name", () => {
  for (const { migration, name } of ALL) {
    const text = formatName(migration, name);
    expect(parseName(text)).toEqual({ migration, name });
    // An id of QEMU's begins with a letter; a bitmap's name has at most 1023 bytes.
    expect(text).toMatch(/^[A-Za-z][A-Za-z0-9._-]{0,1022}$/);
  }
});

it("gives no two things one name", () => {
  expect(new Set(ALL.map(({ migration, name }) => formatName(migration, name))).size).toBe(ALL.length);
});

it.each([
  "",
  "bitmap0",
  "blkmig",
  "blkmig.m",
  "blkmig.m.disk",
  "blkmig.m.disk.",
  "blkmig.m.disk.01",
  "blkmig.m.disk.1.2",
  "blkmig.m.disk.x",
  "blkmig.m.pass.1",
  "blkmig.m.mark.done",
  "blkmig.m.mark.stopped.2",
  "blkmig.m.server.1",
  "blkmig..disk.1",
  "BLKMIG.m.disk.1",
  " blkmig.m.disk.1",
  "my-blkmig.m.disk.1",
  "blkmig.a.b.disk.1",
])("'%s' is none of ours", (text) => {
  expect(parseName(text)).toBeUndefined();
});
