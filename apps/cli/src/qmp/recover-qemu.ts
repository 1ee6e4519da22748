import type { SourceRecord, TargetRecord } from "@blkmig/journal";
import {
  type CleanOptions,
  cleanLeftover,
  findLeftovers,
  type GuestAfterClean,
  type Leftover,
  type Qmp,
} from "@blkmig/qemu";

export interface RecoverQemuOptions {
  /** What is on record of the disks that are in this QEMU, or were when the migration began: what became of a commit that was asked for. */
  readonly records: readonly (SourceRecord | TargetRecord | undefined)[];
  /** Only what this one has left. Default: every migration's. */
  readonly migration?: string;
  /** What became of the commit that was asked for, where it is said by hand. */
  readonly outcome?: NonNullable<CleanOptions["outcome"]>;
  /** This run goes on with that one, though it is in doubt: its guest stays as it is. */
  readonly takeOver?: string;
}

/** What became of what one migration had left in a QEMU. */
export type Recovered = { readonly migration: string } &
  /** Its process lives, so nothing was touched. */
  (
    | { readonly how: "under-way"; readonly pid: number }
    /** Commit was asked for, and its outcome is not on record: the guest stays stopped, and what says so is still there. */
    | { readonly how: "in-doubt" }
    /** Its disks are elsewhere: the guest stays stopped, and that it must is still written there. */
    | { readonly how: "moved" }
    | { readonly how: "taken-over" }
    | { readonly how: "cleaned"; readonly guest: GuestAfterClean }
  );

/** Removes what migrations of ours that no longer live have left in a QEMU, and resumes a guest that may run. Throws `QemuError`. */
export async function recoverQemu(qmp: Qmp, options: RecoverQemuOptions): Promise<readonly Recovered[]> {
  const { migration } = options;
  const found = (await findLeftovers(qmp)).filter((one) => migration === undefined || one.migration === migration);
  const recovered: Recovered[] = [];
  for (const leftover of found) {
    recovered.push({ migration: leftover.migration, ...(await recoverOne(qmp, leftover, options)) });
  }
  return recovered;
}

type How = Recovered extends infer One ? (One extends Recovered ? Omit<One, "migration"> : never) : never;

async function recoverOne(qmp: Qmp, leftover: Leftover, options: RecoverQemuOptions): Promise<How> {
  const { takeOver, records } = options;
  const { marks, owner, migration } = leftover;
  if (owner !== undefined) return { how: "under-way", pid: owner };
  if (takeOver === migration) {
    await cleanLeftover(qmp, leftover, { takeOver: true });
    return { how: "taken-over" };
  }
  const known = outcomeOf(leftover, records);
  const outcome = known === undefined || known === "in-doubt" ? options.outcome : known;
  const isInDoubt = known === "in-doubt" && outcome === undefined;
  // Whoever took the mark away, the record still says that nobody may run the guest.
  if (isInDoubt && !marks.includes("asked")) return { how: "in-doubt" };
  if (isOnlyMoved(leftover)) return { how: "moved" };
  const guest = await cleanLeftover(qmp, leftover, outcome === undefined ? {} : { outcome });
  if (isInDoubt) return { how: "in-doubt" };
  return outcome === "moved" ? { how: "moved" } : { how: "cleaned", guest };
}

/** What is left, on purpose, of a migration that ended well. */
function isOnlyMoved({ marks, exports, bitmaps, server }: Leftover): boolean {
  return marks.length === 1 && marks[0] === "moved" && exports.length === 0 && bitmaps.length <= 1 && !server;
}

/** What became of the commit, by the marks in QEMU and by what is on record; undefined where it was not asked for, as far as they say. */
export function outcomeOf(
  { marks, migration }: Leftover,
  records: RecoverQemuOptions["records"],
): "kept" | "moved" | "in-doubt" | undefined {
  if (marks.includes("moved")) return "moved";
  const record = records.find((one) => one?.role === "source" && one.migration === migration);
  if (record?.role !== "source") return marks.includes("asked") ? "in-doubt" : undefined;
  if (record.state === "asked") return "in-doubt";
  // A disk that was cloned is one here too, and its guest may run; `sending`, too: that it is asked for is on record before.
  return record.state === "moved" ? "moved" : "kept";
}

/** One sentence for people. */
export function describeRecovered(url: string, recovered: Recovered): string {
  const it = `migration ${recovered.migration}`;
  switch (recovered.how) {
    case "under-way":
      return `${url}: ${it} is under way (process ${recovered.pid})`;
    case "in-doubt":
      return `${url}: ${it} has asked for the commit, and its outcome is not known here: the guest stays stopped`;
    case "moved":
      return `${url}: its disks have moved, by ${it}: the guest stays stopped here`;
    case "taken-over":
      return `${url}: ${it} is taken up as an earlier run left it: the guest stays stopped until its outcome is known`;
    case "cleaned":
      return `${url}: what an earlier run of ${it} left was removed${GUEST[recovered.guest]}`;
  }
}

const GUEST: Readonly<Record<GuestAfterClean, string>> = {
  running: ", and the guest runs",
  "stopped-by-others": "; the guest is stopped, and was not by blkmig",
  "left-stopped": ", and the guest was left stopped",
};
