import { JournalError } from "@blkmig/journal";

import { Finding, refusalIn } from "../finding.ts";
import { decodeRecord, encodeRecord } from "../insides.ts";
import type { Target } from "../target.ts";
import { vary } from "../vary.ts";

const both = { migration: "m-1", disk: "drive0", size: 1_048_576, attempt: 1, at: "2026-01-01T00:00:00.000Z" };

const RECORDS: readonly object[] = [
  { ...both, role: "target", state: "incomplete", held: [[0, 4096]], from: "there" },
  { ...both, role: "target", state: "sealed", held: [], clone: true, decidedBy: "/a" },
  { ...both, role: "target", state: "committed", held: [], decides: ["/b", "/c"] },
  { ...both, role: "source", state: "asked", to: "there", brought: "m-0" },
  { ...both, role: "source", state: "moved", serve: "nbd://there" },
];

/** A disk's record as a crash, or somebody's editor, may have left it. */
export const journal: Target = {
  name: "journal",
  make(input, random) {
    const format = random.int(12) === 0 ? random.int(4) : 1;
    input.say(JSON.stringify({ "blkmig-record": format, ...(vary(random.pick(RECORDS), random) as object) }));
    input.say("\n");
  },
  feed({ bytes }, trace) {
    try {
      const record = decodeRecord("/record", bytes);
      trace.note(`${record.role} ${record.state}`, record.size, record.attempt);
      const again = JSON.stringify(decodeRecord("/record", encodeRecord(record)));
      if (again !== JSON.stringify(record)) throw new Finding("reads another record than it wrote");
    } catch (error) {
      trace.note(refusalIn(error, JournalError).code ?? "");
    }
  },
  mustReach: [
    "target incomplete",
    "target sealed",
    "target committed",
    "source asked",
    "source moved",
    "damaged",
    "newer",
  ],
};
