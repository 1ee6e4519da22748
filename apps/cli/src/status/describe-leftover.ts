import type { Leftover } from "@blkmig/qemu";

import { describeRecovered, outcomeOf, type RecoverQemuOptions } from "../qmp/recover-qemu.ts";
import { resolveLinesOf } from "../send/recorded-sources.ts";
import { howToEnd } from "./describe-source.ts";
import { formatCleanLine } from "./resolve-line.ts";
import type { StatusAnswer } from "./status-answer.ts";

export interface DescribeLeftoverOptions {
  /** Of the monitor. */
  readonly url: string;
  /** Of all disks of the QEMU. */
  readonly records: RecoverQemuOptions["records"];
  readonly stateDir: string | undefined;
}

/** What a migration of ours has in a QEMU: one that is under way, in doubt, or moved; or what a run left that crashed. */
export function describeLeftover(leftover: Leftover, options: DescribeLeftoverOptions): StatusAnswer {
  const { migration, marks, exports, bitmaps, server, owner } = leftover;
  const { url, records, stateDir } = options;
  const fields = { migration, pid: owner, marks, exports, bitmaps, server };
  if (owner !== undefined) {
    const line = describeRecovered(url, { migration, how: "under-way", pid: owner });
    return { fields: { state: "under-way", ...fields }, lines: [line] };
  }
  switch (outcomeOf(leftover, records)) {
    case "moved": {
      const line = describeRecovered(url, { migration, how: "moved" });
      return { fields: { state: "moved", ...fields }, lines: [line] };
    }
    case "in-doubt": {
      const resolve = resolveLinesOf({ role: "qmp", path: url }, migration, stateDir);
      const line = describeRecovered(url, { migration, how: "in-doubt" });
      return { fields: { state: "in-doubt", ...fields, resolve }, lines: [line, ...howToEnd(resolve)] };
    }
    case "kept":
    case undefined: {
      const clean = formatCleanLine(url, stateDir);
      return { fields: { state: "leftover", ...fields, clean }, lines: describeCrashed(leftover, url, clean) };
    }
  }
}

function describeCrashed({ migration, marks, ...left }: Leftover, url: string, clean: string): readonly string[] {
  const stopped = marks.includes("stopped") ? ", and the guest stopped" : "";
  const what = `a run of migration ${migration} has ended without a word, and left ${describeThings(left)}${stopped}`;
  return [
    `${url}: ${what}`,
    "This removes what such runs have left, and lets a guest run that they had stopped:",
    `  ${clean}`,
  ];
}

function describeThings({ exports, bitmaps, server }: Pick<Leftover, "exports" | "bitmaps" | "server">): string {
  const counted = [countOf(exports.length, "export"), countOf(bitmaps.length, "dirty bitmap")];
  return [...counted, server ? "its NBD server" : ""].filter((thing) => thing !== "").join(", ");
}

function countOf(count: number, what: string): string {
  return count === 0 ? "" : `${count} ${what}${count === 1 ? "" : "s"}`;
}
