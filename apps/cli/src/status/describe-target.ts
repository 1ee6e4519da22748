import type { TargetRecord } from "@blkmig/journal";

import { formatBytes } from "../output/format-amounts.ts";
import type { RecordedDisk } from "./recorded-disk.ts";
import { formatResolveLine } from "./resolve-line.ts";
import type { StatusAnswer } from "./status-answer.ts";

/** What a disk is as a target: complete, incomplete, sealed (in doubt), or foreign (no target of ours). */
export function describeTarget(disk: RecordedDisk, stateDir: string | undefined): StatusAnswer {
  const { record } = disk;
  if (record === "none") return foreign(disk, "none", "no migration of blkmig's has written it");
  if ("why" in record) return foreign(disk, record.why, record.message);
  if (record.role === "source") {
    return foreign(disk, record.role, `it is a source (${record.state}): blkmig status --source says more`);
  }
  const fields = fieldsOf(disk, record);
  const of = `migration ${record.migration}${record.from === undefined ? "" : ` from ${record.from}`}`;
  switch (record.state) {
    case "incomplete":
    case "aborted":
      return { fields: { state: "incomplete", ...fields }, lines: [incomplete(record, of)] };
    case "sealed":
      return sealed(disk, record, of, stateDir);
    case "committed":
      if (disk.isFirstBlockWithheld) return lacksFirstBlock(disk, record, of, stateDir);
      return { fields: { state: "complete", ...fields }, lines: [`complete: ${of} was committed`] };
  }
}

function foreign({ signature }: RecordedDisk, record: string, why: string): StatusAnswer {
  const holds = signature === undefined ? "nothing on it is recognised" : `it holds ${signature}`;
  return { fields: { state: "foreign", record, signature }, lines: [`foreign: ${why}; ${holds}`] };
}

function fieldsOf({ isFirstBlockWithheld }: RecordedDisk, record: TargetRecord) {
  const { migration, attempt, from, clone, at } = record;
  const firstBlock = isFirstBlockWithheld ? { "first-block": "withheld" } : {};
  return { record: record.role, migration, attempt, held: heldBytes(record), from, clone, ...firstBlock, at };
}

function heldBytes({ held }: TargetRecord): number {
  return held.reduce((sum, [, length]) => sum + length, 0);
}

function incomplete(record: TargetRecord, of: string): string {
  const aborted = record.state === "aborted" ? `, and attempt ${record.attempt} to end it was aborted` : "";
  const held = `${formatBytes(heldBytes(record))} of ${formatBytes(record.size)} were on it at ${record.at}`;
  return `incomplete: ${of} was not committed${aborted}; ${held}`;
}

function sealed(disk: RecordedDisk, record: TargetRecord, of: string, stateDir: string | undefined): StatusAnswer {
  const line = { role: "target", path: disk.path, migration: record.migration, stateDir } as const;
  const commit = formatResolveLine({ ...line, verdict: "commit" });
  const abort = formatResolveLine({ ...line, verdict: "abort" });
  return {
    fields: { state: "sealed", ...fieldsOf(disk, record), resolve: [commit, abort] },
    lines: [
      `sealed: all of ${of} is here, and whether attempt ${record.attempt} was committed is not known: in doubt`,
      "A receiver that is still running asks the source. If none is, look at the source, and say the same at both ends:",
      `  where the source has moved, or is lost:  ${commit}`,
      `  where the source was kept:               ${abort}`,
    ],
  };
}

/** The receiver died after the decision, before it could write what it had kept back. */
function lacksFirstBlock(
  disk: RecordedDisk,
  record: TargetRecord,
  of: string,
  stateDir: string | undefined,
): StatusAnswer {
  const { path } = disk;
  const commit = formatResolveLine({ role: "target", path, verdict: "commit", migration: record.migration, stateDir });
  return {
    fields: { state: "incomplete", ...fieldsOf(disk, record), resolve: [commit] },
    lines: [`incomplete: ${of} was committed, and its first block is still withheld; this writes it:`, `  ${commit}`],
  };
}
