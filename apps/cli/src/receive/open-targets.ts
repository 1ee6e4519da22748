import { access } from "node:fs/promises";

import { type BlockDevice, identifyDisk, mountedAt, type OpenDisk, openDisk, sameDisk, withSize } from "@blkmig/device";
import type { WireUrl } from "@blkmig/transport/url";

import { CommandError } from "../command-error.ts";
import { createTarget, removeTarget } from "./create-target.ts";
import type { ReceiveOptions, TargetArgument } from "./receive-options.ts";

const SECTOR = 512;

/** The disks to write, open and locked. */
export interface Targets {
  readonly disks: readonly { readonly name: string; readonly device: BlockDevice }[];
  /** One sentence each. */
  readonly warnings: readonly string[];
  /** Lets go. Targets that were made are removed again if nothing was written to any of them. */
  close(written: "touched" | "untouched"): Promise<void>;
}

/** Opens all or none. Refuses disks that somebody uses, unless that danger was taken on. */
export async function openTargets(options: ReceiveOptions): Promise<Targets> {
  const opened: OpenDisk[] = [];
  const disks: { name: string; device: BlockDevice }[] = [];
  const made: string[] = [];
  const warnings: string[] = [];
  const close = async (written: "touched" | "untouched"): Promise<void> => {
    await Promise.all(opened.map((device) => device.close()));
    if (written === "untouched") await Promise.all(made.map(removeTarget));
  };
  try {
    for (const target of options.disks) {
      if (await makeIfMissing(target, options)) made.push(target.path);
      await assertNobodyElse(target, opened, options.at);
      const device = await openDisk(target.path, { name: target.name, force: options.dangers });
      opened.push(device);
      await assertWritable(device, options);
      disks.push({ name: target.name, device: asLargeAsSaid(device, target) });
      warnings.push(...doubts(device, target));
    }
  } catch (error) {
    await close("untouched");
    throw error;
  }
  return { disks, warnings, close };
}

async function makeIfMissing(target: TargetArgument, { create }: ReceiveOptions): Promise<boolean> {
  const { name, path, size } = target;
  if (create && (await createTarget(target))) return true;
  if (await exists(path)) return false;
  if (!create)
    throw new CommandError("refused", `disk '${name}': ${path} is missing; --create --size ${name}=BYTES makes it`);
  if (size !== undefined) return false; // gone again: opening it says so
  throw new CommandError(
    "usage",
    `disk '${name}': ${path} is missing, and a stream carries no size: say --size ${name}=BYTES`,
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Before it is opened: our own lock on it would look like another process's. */
async function assertNobodyElse(
  { name, path }: TargetArgument,
  others: readonly OpenDisk[],
  at: WireUrl,
): Promise<void> {
  const identity = await identifyDisk(path).catch(() => undefined); // opening it says why
  if (!identity) return;
  const other = others.find((device) => sameDisk(device.identity, identity));
  if (other) throw new CommandError("refused", `disks '${other.name}' and '${name}' are the same disk, ${path}`);
  if (at.kind !== "file") return;
  const stream = await identifyDisk(at.path).catch(() => undefined);
  if (stream && sameDisk(stream, identity)) {
    throw new CommandError("refused", `disk '${name}': ${path} is the stream itself, it would be read and overwritten`);
  }
}

async function assertWritable(device: OpenDisk, { dangers }: ReceiveOptions): Promise<void> {
  const { name, path, size } = device;
  if (size % SECTOR !== 0) {
    throw new CommandError("refused", `disk '${name}': ${path} has ${size} bytes, which is no multiple of ${SECTOR}`);
  }
  if (dangers.mounted) return;
  const [mount] = await mountedAt(device);
  if (!mount) return;
  const message = `disk '${name}': ${path} is mounted at ${mount.path}: unmount it, or --force mounted`;
  throw new CommandError("refused", message);
}

/** The stream does not say how large its disk is. In a larger target, `--size` does. */
function asLargeAsSaid(device: OpenDisk, target: TargetArgument): BlockDevice {
  const { name, path, size } = device;
  if (target.size === undefined || target.size === size) return device;
  if (target.size < size) return withSize(device, target.size);
  const message = `disk '${name}': ${path} has ${size} bytes, which is too small for a disk of ${target.size}`;
  throw new CommandError("refused", message);
}

function doubts({ name, path, size, locked }: OpenDisk, target: TargetArgument): string[] {
  const isLarger = target.size !== undefined && target.size < size;
  return [
    ...(isLarger ? [`disk '${name}': ${path} has ${size} bytes, and only the first ${target.size} are used`] : []),
    ...(locked ? [] : [`disk '${name}': ${path} is not locked, so nothing keeps other programs from writing it`]),
  ];
}
