import * as v from "valibot";

import { ask } from "./live-ask.ts";
import { type Before, NEEDED } from "./machine-before.ts";
import { KEEP_SENDING_MS } from "./machine-converges.ts";
import { askForGuest } from "./qemu-answers.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";
import { askForRam, hasEnded } from "./ram-report.ts";

/** What a source was like before it was readied. */
export interface SourceBefore extends Before {
  readonly runs: boolean;
}

const CAPABILITIES = v.array(v.looseObject({ capability: v.string(), state: v.boolean() }));
const PARAMETERS = v.looseObject({ "downtime-limit": v.optional(v.number()) });

/** Capabilities that cannot be on beside a migration of the disks, and why. */
const BREAKING: readonly (readonly [string, string])[] = [
  ["postcopy-ram", "the guest would run there before its memory and its disks have come"],
  ["dirty-bitmaps", "QEMU cannot send bitmaps that are exported"],
  ["block", "QEMU would send the disks itself"],
];
const NEEDED_THERE = ["return-path", "events"];

/** Looks at the source, and changes nothing. Throws `QemuError`: `busy`, `not-supported`. */
export async function inspectSource(source: Qmp): Promise<SourceBefore> {
  const { status } = await askForRam(source);
  if (!hasEnded(status)) throw new QemuError("busy", source.url, `a migration is under way: it is '${status}'`);
  const guest = await askForGuest(source);
  if (guest === "inmigrate")
    throw new QemuError("busy", source.url, "the machine itself waits for a migration to come");
  if (guest === "suspended")
    throw new QemuError("not-supported", source.url, "the guest sleeps, and could wake by itself");
  const listed = await ask(source, "query-migrate-capabilities", CAPABILITIES);
  const capabilities = new Set(listed.filter(({ state }) => state).map(({ capability }) => capability));
  for (const [capability, why] of BREAKING) {
    if (!capabilities.has(capability)) continue;
    throw new QemuError(
      "not-supported",
      source.url,
      `migration capability '${capability}' is on: ${why}; switch it off`,
    );
  }
  const parameters = await ask(source, "query-migrate-parameters", PARAMETERS);
  const switched = NEEDED.filter((capability) => !capabilities.has(capability));
  return { runs: guest === "running", switched, downtimeLimit: parameters["downtime-limit"] };
}

/** Looks at the destination, and changes nothing. Throws `QemuError` `not-supported`. */
export async function inspectDestination(source: Qmp, destination: Qmp): Promise<void> {
  if (source.url === destination.url) {
    throw new QemuError("not-supported", source.url, "source and destination are the same QEMU");
  }
  const guest = await askForGuest(destination);
  if (guest === "inmigrate") return;
  const what = `the destination does not wait for a migration (it is '${guest}'): start it with -S -incoming URI`;
  throw new QemuError("not-supported", destination.url, what);
}

/** The source waits before it switches over, and the destination will not run by itself. All or nothing at the source. Throws `QemuError`. */
export async function readyBoth(source: Qmp, destination: Qmp, before: SourceBefore): Promise<void> {
  try {
    await readySource(source, before);
    await readyDestination(destination);
  } catch (error) {
    await putBack(source, before).catch(() => {}); // what made it fail is what matters
    throw error;
  }
}

async function readyDestination(destination: Qmp): Promise<void> {
  await destination.execute("stop"); // while it waits: it stays paused when the machine has come, as with -S
  await switchCapabilities(destination, NEEDED_THERE, true);
}

async function readySource(source: Qmp, before: Before): Promise<void> {
  await switchCapabilities(source, before.switched, true);
  await limitDowntime(source, KEEP_SENDING_MS); // or the memory could switch over before the disks fit
}

/** The source as it was. Throws `QemuError`. */
export async function putBack(source: Qmp, before: Before): Promise<void> {
  await switchCapabilities(source, before.switched, false);
  if (before.downtimeLimit !== undefined) await limitDowntime(source, before.downtimeLimit);
}

/** QEMU's own limit, of the memory. Milliseconds: whole ones, and no more than QEMU takes. Throws `QemuError`. */
export async function limitDowntime(source: Qmp, ms: number): Promise<void> {
  await source.execute("migrate-set-parameters", { "downtime-limit": Math.min(Math.ceil(ms), MOST_DOWNTIME_MS) });
}

const MOST_DOWNTIME_MS = 2_000_000;

async function switchCapabilities(qmp: Qmp, names: readonly string[], state: boolean): Promise<void> {
  if (names.length === 0) return;
  const capabilities = names.map((capability) => ({ capability, state }));
  await qmp.execute("migrate-set-capabilities", { capabilities });
}
