import { readRecord } from "@blkmig/journal";
import { LoadError, type SessionOffer, type SessionTargets } from "@blkmig/sink";

import { CommandError } from "../command-error.ts";
import type { Output } from "../output/output.ts";
import { fitDisk } from "./fitted-disk.ts";
import type { Guard } from "./guard.ts";
import { createHandedOver } from "./handed-over.ts";
import type { OpenTarget, Targets } from "./open-targets.ts";
import type { ReceiveOptions } from "./receive-options.ts";
import { openRecords, type RecordedTarget, withholdFirstBlocks } from "./target-records.ts";
import { assertNoStateWanted } from "./vm-state.ts";

const SECTOR = 512;

export interface SessionTargetsWorld {
  readonly targets: Targets;
  readonly guard: Guard;
  readonly options: ReceiveOptions;
  /** Who sends, for people. */
  readonly from: string;
  readonly output: Output;
}

/** Opens what a session offers. Throws `LoadError` and `CommandError`, for the sender to be told. */
export async function openSessionTargets(offer: SessionOffer, world: SessionTargetsWorld): Promise<SessionTargets> {
  const { targets, guard, from, output } = world;
  assertFits(offer, world);
  const recorded: RecordedTarget[] = [];
  for (const { name, size, sectorSize, granularity } of offer.disks) {
    const target = targets.open.get(name) ?? (await targets.make(name, size));
    if (!world.options.dangers.sectorSize) assertSectors(target, sectorSize);
    assertGrain(target, granularity);
    const { device, warnings } = fitDisk(target, size);
    for (const warning of [...warnings, ...(await guard.admit(target, offer.migration))]) output.warn(warning);
    recorded.push({ target, device });
  }
  const { journal, found } = await openRecords(recorded);
  const withheld = withholdFirstBlocks(recorded);
  const handedOver = createHandedOver(
    recorded.map(({ target }) => target),
    offer.migration,
    async (state, attempt) => journal.decide(state, attempt),
  );
  const isCommitted = await isAnyCommitted(offer, recorded);
  const before = isCommitted ?? (found?.migration === offer.migration ? foundBefore(found) : undefined);
  return {
    devices: withheld.devices,
    journal: {
      async begin(migration, about) {
        await journal.begin(migration, { ...about, from });
        guard.begun(migration);
      },
      held: async (disks) => journal.held(disks),
      decide: handedOver.decide,
      done: async () => journal.done(),
    },
    ...(before ? { found: before } : {}),
    keepWithheld: async () => withheld.keep(),
    releaseWithheld: async () => withheld.release(),
    async handOver() {
      await targets.close("touched");
      handedOver.letGo();
      output.say("everything is here; the targets are let go of, for the QEMU that the machine moves to");
    },
    close: async (written) => targets.close(written),
  };
}

type Found = NonNullable<SessionTargets["found"]>;

function foundBefore(found: {
  readonly state: "incomplete" | "sealed" | "committed" | "aborted";
  readonly attempt: number;
  readonly held: readonly (readonly (readonly [offset: number, length: number])[])[];
}): Found {
  const { state, attempt } = found;
  const held = found.held.map((runs) => runs.map(([offset, length]) => ({ offset, length })));
  return { state: state === "incomplete" ? "open" : state, attempt, held };
}

/** A sender that did not hear of the commit comes back to ask, and is told. */
async function isAnyCommitted(
  { migration }: SessionOffer,
  recorded: readonly RecordedTarget[],
): Promise<Found | undefined> {
  for (const { target } of recorded) {
    const record = await readRecord(target.place.path);
    if (record?.role !== "target" || record.state !== "committed" || record.migration !== migration) continue;
    return { state: "committed", attempt: record.attempt, held: recorded.map(() => []) };
  }
  return undefined;
}

/** Exactly the disks that were said here, of sizes that can be, and both ends mean the same by a missing block. */
function assertFits(offer: SessionOffer, { targets, options }: SessionTargetsWorld): void {
  const offered = offer.disks.map(({ name }) => name);
  const unknown = offered.find((name) => !targets.names.includes(name));
  if (unknown !== undefined)
    throw misnamed(`the sender has a disk '${unknown}', expected here: ${quoted(targets.names)}; ${ALIKE}`);
  const lacking = targets.names.find((name) => !offered.includes(name));
  if (lacking !== undefined)
    throw misnamed(`a disk '${lacking}' is expected here, and the sender has only ${quoted(offered)}; ${ALIKE}`);
  for (const { name, size } of offer.disks) {
    if (size % SECTOR === 0) continue;
    throw new CommandError("refused", `disk '${name}' has ${size} bytes, which is no multiple of ${SECTOR}`);
  }
  assertNoStateWanted(options.vmState);
  if (offer.handOver && options.serving) {
    const why = "its disks are handed over to the QEMU that it moves to, and cannot be served here: leave --nbd out";
    throw new CommandError("refused", `--nbd: this sender moves a whole machine: ${why}`);
  }
  if (offer.incremental === options.incremental) return;
  const [there, here] = offer.incremental ? ["leaves out", "not said"] : ["sends", "said"];
  throw new CommandError(
    "refused",
    `the sender ${there} what is in a base, and --incremental was ${here} here: say it at both ends, or at neither`,
  );
}

/** Images have sectors of 512 bytes unless a block device says otherwise; in a file they mean whatever its reader takes them for. */
function assertSectors({ name, disk: { path, sectorSize: here } }: OpenTarget, there = SECTOR): void {
  if (here === undefined || here === there) return;
  const what = `${path} has sectors of ${here} bytes, and those of the disk are ${there}`;
  const why = "a partition table on it would mean other places";
  throw new CommandError("refused", `disk '${name}': ${what}: ${why} (--force sector-size takes that on)`);
}

/** What is sent again comes in granules: a target behind NBD may not take them so small. */
function assertGrain({ name, disk: { path, minimumBlock } }: OpenTarget, granularity: number): void {
  if (granularity % minimumBlock === 0) return;
  const what = `${path} is written in blocks of ${minimumBlock} bytes, and the grain of what is sent is ${granularity}`;
  throw new CommandError("refused", `disk '${name}': ${what}: say --granularity ${minimumBlock} to the sender`);
}

const ALIKE = "say the same names at both ends";

function misnamed(message: string): LoadError {
  return new LoadError("unknown-device", message, { touched: false, recognised: true });
}

function quoted(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.map((name) => `'${name}'`).join(", ");
}
