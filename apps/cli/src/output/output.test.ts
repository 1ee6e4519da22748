import { expect, it } from "vitest";

import { formatBytes, formatPercent, formatTime } from "./format-amounts.ts";
import { printable } from "./printable.ts";
import { describeProgress } from "./progress.ts";
import { createRate } from "./rate.ts";
import { createStatusLimit } from "./status-limit.ts";

const MIB = 2 ** 20;

it.each([
  [formatBytes(0), "0 bytes"],
  [formatBytes(1023), "1023 bytes"],
  [formatBytes(1536), "1.5 KiB"],
  [formatBytes(300 * MIB), "300 MiB"],
  [formatBytes(3 * 2 ** 40), "3.0 TiB"],
  [formatTime(12.3), "12 ms"],
  [formatTime(1500), "1.5 s"],
  [formatTime(200_000), "3 min 20 s"],
  [formatTime(7_500_000), "2 h 5 min"],
  [formatPercent(0, 0), "100 %"],
  [formatPercent(999, 1000), "99 %"],
  [formatPercent(1000, 1000), "100 %"],
])("%s is written %s", (text, expected) => expect(text).toBe(expected));

it("a peer's name cannot speak to the terminal, nor begin a line", () => {
  expect(printable("a\u001B[2Jb\nc\u202Ed\u009Be")).toBe("a\\u{1b}[2Jb c\\u{202e}d\\u{9b}e");
});

it("progress says how far, how fast, how long, which pass and what the guest writes", () => {
  const progress = { phase: "dirty", done: 90 * MIB, total: 100 * MIB, rate: 5 * MIB, pass: 2, dirtyRate: MIB };
  expect(describeProgress(progress)).toBe(
    "dirty · 90 % · 90.0 MiB of 100 MiB · 5.0 MiB/s · 2.5 s left · pass 2 · guest writes 1.0 MiB/s",
  );
  expect(describeProgress({ phase: "dirty", done: MIB, total: MIB, rate: 0, memory: { remaining: 3 * MIB } })).toBe(
    "dirty · 100 % · 1.0 MiB of 1.0 MiB · 3.0 MiB of memory left",
  );
  expect(describeProgress({ phase: "bulk", done: 0, total: MIB, rate: 0 })).toBe("bulk · 0 % · 0 bytes of 1.0 MiB");
});

it("a time that is left is only said where passes win over the guest", () => {
  const left = (dirtyRate: number, mirroring = false): string =>
    describeProgress(
      { phase: "dirty", done: 0, total: 10 * MIB, rate: 5 * MIB, dirtyRate, mirroring },
      { columns: 36 },
    );
  expect(left(0)).toContain("2.0 s left");
  expect(left(4 * MIB)).toContain("10.0 s left");
  expect(left(4.6 * MIB)).toContain("not converging");
  expect(left(9 * MIB)).toContain("not converging");
  expect(left(9 * MIB, true)).toContain("2.0 s left");
});

it("where there is little room whole parts are left out, the least missed first", () => {
  const disks = [
    { name: "vda", done: MIB, total: 2 * MIB },
    { name: "磁盘", done: 0, total: 2 * MIB },
  ];
  const progress = { phase: "dirty", done: MIB, total: 4 * MIB, rate: MIB, pass: 3, dirtyRate: 1024, disks };
  const lines = [200, 110, 60, 40, 19, 9, 2].map((columns) =>
    describeProgress({ ...progress, expectedDowntime: 120 }, { columns, unicode: false }),
  );
  expect(lines).toEqual([
    "dirty | 25 % | 1.0 MiB of 4.0 MiB | 1.0 MiB/s | 3.0 s left | pass 3 | guest writes 1.0 KiB/s | pause 120 ms | vda 50 %, 磁盘 0 %",
    "dirty | 25 % | 1.0 MiB of 4.0 MiB | 1.0 MiB/s | 3.0 s left | pass 3 | guest writes 1.0 KiB/s | pause 120 ms",
    "dirty | 25 % | 1.0 MiB of 4.0 MiB | 1.0 MiB/s | 3.0 s left",
    "dirty | 25 % | 1.0 MiB/s | 3.0 s left",
    "dirty | 25 %",
    "25 %",
    "25",
  ]);
});

it("a status is told at most ten times a second, a change before what is steady", () => {
  let at = 0;
  const mayTell = createStatusLimit(() => at);
  const told: string[] = [];
  for (; at < 1000; at += 5) {
    const phase = at < 950 ? "bulk" : `phase ${at}`;
    if (mayTell(phase)) told.push(phase);
  }
  expect(told).toHaveLength(10);
  expect(told.filter((phase) => phase !== "bulk")).toHaveLength(5);
});

it("a rate is what the last second saw", () => {
  let at = 0;
  const rate = createRate(() => at);
  at = 1000;
  expect(rate(500)).toBe(500);
  at = 2000;
  expect(rate(2500)).toBe(2000);
});
