import { access } from "node:fs/promises";

import { identifyDisk, sameDisk } from "@blkmig/device";
import { placeOfRecord, type RecordPlace } from "@blkmig/journal";
import { isNbdUrl } from "@blkmig/nbd";

import { CommandError } from "../command-error.ts";
import type { AnyDisk } from "../disks/any-disk.ts";
import { identifyAnyDisk } from "../disks/identify-any-disk.ts";
import { openAnyDisk } from "../disks/open-any-disk.ts";
import type { CommandWorld } from "../run-command.ts";
import { createTarget, removeTarget } from "./create-target.ts";
import { fitDisk } from "./fitted-disk.ts";
import type { Guard } from "./guard.ts";
import type { ReceiveOptions, TargetArgument } from "./receive-options.ts";

/** A target, open and locked. */
export interface OpenTarget {
  readonly name: string;
  readonly disk: AnyDisk;
  /** How large its disk is, as `--size` says. */
  readonly size: number | undefined;
  /** Where its record is, or will be. */
  readonly place: RecordPlace;
}

/** The targets of one migration. */
export interface Targets {
  /** Every name that was said with `--disk`. */
  readonly names: readonly string[];
  /** Those that are there. */
  readonly open: ReadonlyMap<string, OpenTarget>;
  /** One sentence each. */
  readonly warnings: readonly string[];
  /** Makes one that is missing. Throws `CommandError` `refused`. */
  make(name: string, size: number): Promise<OpenTarget>;
  /** They are somebody else's to close from now on. */
  keep(): void;
  /** Lets go; the first call counts. Targets that were made are removed again if nothing was written to any of them. */
  close(written: "touched" | "untouched"): Promise<void>;
}

/**
 * Opens all that are there, or none, and makes those whose size was said. Refuses what nobody may write. Throws `CommandError`,
 * `DeviceError` and `NbdError`.
 */
export async function openTargets(
  options: ReceiveOptions,
  guard: Guard,
  { output, signal }: CommandWorld,
): Promise<Targets> {
  const { insecure } = options;
  const warn = (message: string): void => output.warn(message);
  const open = new Map<string, OpenTarget>();
  const made: string[] = [];
  const warnings: string[] = [];
  let closing: Promise<void> | undefined;

  const add = async (target: TargetArgument): Promise<OpenTarget> => {
    const { name, path, size } = target;
    await assertNobodyElse(target, [...open.values()], options);
    const disk = await openAnyDisk(path, { name, force: options.dangers, insecure, signal, warn });
    const added = { name, disk, size, place: await placeOrClose(disk, options) };
    open.set(name, added);
    await guard.inspect(added);
    fitDisk(added, size ?? disk.size); // what is too small is known now
    if (!disk.locked)
      warnings.push(`disk '${name}': ${path} is not locked, so nothing keeps other programs from writing it`);
    return added;
  };

  const make = async (target: TargetArgument): Promise<OpenTarget> => {
    if (await createTarget(target)) made.push(target.path);
    return add(target);
  };

  const closeAll = async (written: "touched" | "untouched"): Promise<void> => {
    await Promise.all([...open.values()].map(async ({ disk }) => disk.close()));
    if (written === "untouched") await Promise.all(made.map(removeTarget));
  };
  const close = async (written: "touched" | "untouched"): Promise<void> => (closing ??= closeAll(written));
  const keep = (): void => {
    closing ??= Promise.resolve();
  };

  try {
    for (const target of options.disks) {
      if (await isThere(target.path)) await add(target);
      else if (mustBeMadeNow(target, options)) await make(target);
    }
  } catch (error) {
    await close("untouched");
    throw error;
  }
  return {
    names: options.disks.map(({ name }) => name),
    open,
    warnings,
    keep,
    make: async (name, size) => make({ ...options.disks.find((disk) => disk.name === name)!, size }),
    close,
  };
}

/** A disk behind NBD is made at its server: if it is missing there, the server says so when it is opened. */
async function isThere(path: string): Promise<boolean> {
  if (isNbdUrl(path)) return true;
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A session says how large its disks are; a stream in a file is no session. */
function mustBeMadeNow({ name, path, size }: TargetArgument, { create, at }: ReceiveOptions): boolean {
  if (!create) throw new CommandError("refused", `disk '${name}': ${path} is missing; --create makes it`);
  if (size !== undefined) return true;
  if (at.kind !== "file") return false;
  const why = `disk '${name}': ${path} is missing, and a classic stream carries no size: say --size ${name}=BYTES`;
  throw new CommandError("usage", why);
}

async function placeOrClose(disk: AnyDisk, { stateDir }: ReceiveOptions): Promise<RecordPlace> {
  try {
    return await placeOfRecord(disk, stateDir);
  } catch (error) {
    await disk.close();
    throw error;
  }
}

/** Before it is opened: our own lock on it would look like another process's. */
async function assertNobodyElse(
  { name, path }: TargetArgument,
  others: readonly OpenTarget[],
  { at }: ReceiveOptions,
): Promise<void> {
  const identity = await identifyAnyDisk(path).catch(() => undefined); // opening it says why
  if (!identity) return;
  const other = others.find(({ disk }) => sameDisk(disk.identity, identity));
  if (other)
    throw new CommandError(
      "refused",
      `disks '${other.name}' and '${name}' are the same disk, ${path}: each needs a target of its own`,
    );
  if (at.kind !== "file") return;
  const stream = await identifyDisk(at.path).catch(() => undefined);
  if (stream && sameDisk(stream, identity)) {
    throw new CommandError(
      "refused",
      `disk '${name}': ${path} is the stream itself, it would be read and overwritten: choose another target`,
    );
  }
}
