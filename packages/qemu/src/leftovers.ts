import { type Clock, systemClock } from "@blkmig/device";

import { findAllBitmaps } from "./bitmap-ours.ts";
import { letGoOfDisks } from "./leftover-disks.ts";
import { fateOf, giveBack, lookAtGuest } from "./leftover-guest.ts";
import { livingOwner } from "./leftover-owner.ts";
import { type Survey, surveyOf } from "./leftover-survey.ts";
import type { CleanOptions, GuestAfterClean, Leftover } from "./leftovers-contract.ts";
import { beforeOf } from "./machine-before.ts";
import { putBack } from "./machine-ready.ts";
import { createMarks } from "./marks.ts";
import { parseName } from "./names.ts";
import { askExports } from "./qemu-answers.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

/** All that carries names of ours, by migration. Throws `QemuError`. */
export async function findLeftovers(qmp: Qmp): Promise<readonly Leftover[]> {
  const surveys = await survey(qmp);
  return Promise.all(
    surveys.map(async ({ claims, ...rest }) => Object.assign(rest, { owner: await livingOwner(claims) })),
  );
}

/**
 * Removes what a migration has left, and resumes a guest that it had stopped or whose machine's migration it had begun, unless commit
 * was asked for: then only `outcome` decides, and without one the guest and the marks stay as they are. In this order: exports, bitmaps
 * of writes, the NBD server and the claim on it; the machine's migration; the guest; what QEMU was told for it; the marks. Whenever that ends in the middle, another
 * call goes on from there, for what is there is looked at anew. Throws `QemuError`: `busy` for a migration that is under way.
 */
export async function cleanLeftover(
  qmp: Qmp,
  { migration }: Leftover,
  options: CleanOptions = {},
): Promise<GuestAfterClean> {
  const { clock = systemClock } = options;
  const found = (await survey(qmp)).find((each) => each.migration === migration);
  if (!found) return lookAtGuest(qmp, []);
  await assertOver(qmp, found);
  let guest: GuestAfterClean;
  try {
    // Before the guest runs: who still reads here, wherever that process is, must not take a disk that changes for one that stands still.
    await letGoOfDisks({ qmp, migration, clock }, found);
  } finally {
    // Even if that failed: an export that does not go is no reason to keep a guest waiting.
    guest = await settleGuest(qmp, found, options, clock);
  }
  return guest;
}

async function survey(qmp: Qmp): Promise<Survey[]> {
  return surveyOf(await askExports(qmp), await findAllBitmaps(qmp));
}

/** This process asks only for what it is not doing any more. */
async function assertOver(qmp: Qmp, { migration, claims }: Survey): Promise<void> {
  const owner = await livingOwner(claims);
  if (owner === undefined || owner === process.pid) return;
  throw new QemuError("busy", qmp.url, `migration ${migration} is under way: process ${owner} is at it`);
}

/**
 * The marks go last, each when nothing is left of what it calls for: whoever comes after a cleaner that was cut off reads in them what
 * is still to do.
 */
async function settleGuest(
  qmp: Qmp,
  { migration, marks, bitmaps }: Survey,
  options: CleanOptions,
  clock: Clock,
): Promise<GuestAfterClean> {
  // Beside the other marks, where the run that made them would put it.
  const place = bitmaps.find(({ name }) => parseName(name)?.name.is === "mark") ?? bitmaps[0];
  if (!place) return lookAtGuest(qmp, marks);
  const written = createMarks(qmp, migration, place.node);
  switch (fateOf(marks, options)) {
    case "leave":
      return lookAtGuest(qmp, marks);
    case "keep-stopped":
      // Before `asked` goes: without either, the next one would give the guest back.
      await written.add({ is: "mark", mark: "moved" });
      await written.remove("asked");
      return lookAtGuest(qmp, ["moved"]);
    case "give-back": {
      const guest = await giveBack(qmp, marks, clock);
      const befores = marks.filter((mark) => beforeOf(mark) !== undefined);
      for (const mark of befores) await putBack(qmp, beforeOf(mark)!);
      // `asked` last: as long as it is there, nobody resumes the guest once more unless he knows what became of the commit.
      for (const mark of ["stopped", "machine", ...befores, "asked"] as const) {
        if (marks.includes(mark)) await written.remove(mark);
      }
      return guest;
    }
  }
}
