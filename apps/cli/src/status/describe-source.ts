import type { SourceRecord } from "@blkmig/journal";

import { resolveLinesOf, verdictPlaceOf } from "../send/recorded-sources.ts";
import { describeTarget } from "./describe-target.ts";
import type { RecordedDisk } from "./recorded-disk.ts";
import type { StatusAnswer } from "./status-answer.ts";

/** What a disk is as a source: free, sending, asked (in doubt), moved or cloned; or a target that is not complete. */
export function describeSource(disk: RecordedDisk, stateDir: string | undefined): StatusAnswer {
  const { record } = disk;
  if (record === "none") return { fields: { state: "free", record }, lines: ["free: it is in no migration"] };
  if ("why" in record)
    return { fields: { state: "unknown", record: record.why }, lines: [`unknown: ${record.message}`] };
  if (record.role === "source") return describeSent(disk, record, stateDir);
  const asTarget = describeTarget(disk, stateDir);
  if (asTarget.fields.state !== "complete") return asTarget;
  return {
    ...asTarget,
    fields: { ...asTarget.fields, state: "free" },
    lines: ["free: it came here, and is in no migration"],
  };
}

function describeSent(disk: RecordedDisk, sent: SourceRecord, stateDir: string | undefined): StatusAnswer {
  const { role: record, migration, attempt, to, at } = sent;
  const fields = { record, migration, attempt, to, at };
  const there = `migration ${migration}${to === undefined ? "" : ` to ${to}`}`;
  switch (sent.state) {
    case "kept":
      return { fields: { state: "free", ...fields }, lines: [`free: ${there} did not take it`] };
    case "sending":
      return {
        fields: { state: "sending", ...fields },
        lines: [`sending: ${there} began, and has not asked for commit`],
      };
    case "moved":
      return { fields: { state: "moved", ...fields }, lines: [`moved: by ${there}, and its owner is there now`] };
    case "cloned":
      return { fields: { state: "cloned", ...fields }, lines: [`cloned: by ${there}, and it stays a disk here too`] };
    case "asked": {
      const commands = resolveLinesOf(verdictPlaceOf(disk), migration, stateDir);
      return {
        fields: { state: "asked", ...fields, resolve: commands },
        lines: [
          `asked: ${there} was asked to commit (attempt ${attempt}), and the outcome is not known: in doubt`,
          ...howToEnd(commands),
        ],
      };
    }
  }
}

/** What to do about a source in doubt, for people. */
export function howToEnd([keep, gone]: ReturnType<typeof resolveLinesOf>): readonly string[] {
  return [
    "A sender that is still running asks the target. If none is, look at the target, and say the same at both ends:",
    `  where the target is complete:                 ${gone}`,
    `  where the target was aborted, or never sealed: ${keep}`,
  ];
}
