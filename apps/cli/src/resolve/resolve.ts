import { DeviceError } from "@blkmig/device";
import { placeOfRecord, readRecord, type RecordPlace, resolveSource, resolveTarget } from "@blkmig/journal";
import { isNbdUrl } from "@blkmig/nbd";
import { landFirstBlock } from "@blkmig/sink";

import { CommandError } from "../command-error.ts";
import { isControl, resolveAtServer } from "../control/resolve-at-server.ts";
import type { AnyDisk } from "../disks/any-disk.ts";
import { openAnyDisk } from "../disks/open-any-disk.ts";
import { EXIT } from "../exit-code.ts";
import { parseMonitorHere } from "../qmp/parse-monitor.ts";
import type { CommandWorld } from "../run-command.ts";
import { refuseRecord } from "../status/refuse-record.ts";
import type { ResolveOptions } from "./resolve-options.ts";

/** Ends an in-doubt migration by hand, durably. Gives the exit code; throws why it was refused. */
export async function resolve(options: ResolveOptions, world: CommandWorld): Promise<number> {
  if (options.role === "qmp") {
    const { resolveQemu } = await import("../qmp/resolve-qemu.ts");
    return resolveQemu({ ...options, monitor: parseMonitorHere(options.path, "--qmp") }, world);
  }
  return options.role === "source" && (await isControl(options.path))
    ? resolveAtServer(options, world)
    : resolveDisk(options, world);
}

type DiskOptions = Exclude<ResolveOptions, { readonly role: "qmp" }>;

async function resolveDisk(options: DiskOptions, world: CommandWorld): Promise<number> {
  const { output, signal } = world;
  const { role, path, migration, state, stateDir } = options;
  const disk = await openUnused(options, signal);
  try {
    if (!disk.locked) output.warn(`${path} is not locked, so a receiver or sender that has it is not seen`);
    const place = await placeOfRecord(disk, stateDir === undefined ? {} : { stateDir });
    await judge(options, disk, place).catch(refuseRecord);
    output.say(`${path}: migration ${migration} is ${state} now`);
    for (const line of await whatIsLeft(options, place).catch(refuseRecord)) output.say(line);
    output.event("completed", { role, path, migration, state });
    return EXIT.ok;
  } finally {
    await disk.close();
  }
}

/** A receiver or sender that runs still decides by itself, and holds the disk's lock. */
async function openUnused({ path, role, insecure }: DiskOptions, signal: AbortSignal): Promise<AnyDisk> {
  // For writing, a source too: two that only read would not see each other. Behind NBD nobody sees the other anyway.
  const readOnly = role === "source" && isNbdUrl(path);
  try {
    return await openAnyDisk(path, { name: path, readOnly, insecure, signal });
  } catch (error) {
    if (!(error instanceof DeviceError) || error.code !== "in-use") throw error;
    const message = `${path} is in use by another process, which may still learn the outcome by itself: stop it first`;
    throw new CommandError("refused", message, { cause: error });
  }
}

async function judge(options: DiskOptions, disk: AnyDisk, place: RecordPlace): Promise<void> {
  const { migration } = options;
  if (options.role === "source") return resolveSource(place.path, { migration, state: options.state });
  const release = async (firstBlock: Uint8Array): Promise<void> => landFirstBlock(disk, firstBlock);
  await resolveTarget(place.path, { migration, state: options.state, release });
}

/** One record decides for all disks, but the first block of each is withheld beside its own. */
async function whatIsLeft({ state }: DiskOptions, place: RecordPlace): Promise<readonly string[]> {
  const record = await readRecord(place.path);
  const isAlone = record?.decidedBy === undefined && (record?.decides ?? []).length === 0;
  if (isAlone) return [];
  const all = "This holds for all disks of the migration.";
  return state === "committed"
    ? [all, "Of each other one, blkmig status --target says whether its first block is there."]
    : [all];
}
