import { CommandError } from "../command-error.ts";
import type { AnyDisk } from "../disks/any-disk.ts";
import { letGoOnAbort } from "../disks/let-go-on-abort.ts";
import { EXIT } from "../exit-code.ts";
import { formatBytes } from "../output/format-amounts.ts";
import { createRate } from "../output/rate.ts";
import type { CommandWorld } from "../run-command.ts";
import { firstDifference } from "./first-difference.ts";
import { notComparable, openBoth } from "./open-both.ts";
import { warningOf } from "./unfinished-target.ts";

export interface VerifyOptions {
  /** Clear text to another machine, for disks behind NBD. */
  readonly insecure: boolean;
}

/** Compares two disks byte for byte; gives the exit code, or throws why they cannot be compared. */
export async function verify(
  paths: readonly [string, string],
  { insecure }: VerifyOptions,
  world: CommandWorld,
): Promise<number> {
  const { output, signal } = world;
  const [a, b] = await openBoth(paths, { insecure, signal, warn: (message) => output.warn(message) });
  try {
    for (const disk of [a, b]) {
      letGoOnAbort(disk, signal);
      const warning = await warningOf(disk);
      if (warning !== undefined) output.warn(warning);
    }
    return await compare(a, b, world);
  } catch (error) {
    throw signal.aborted ? cancelled() : notComparable(error);
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
}

async function compare(a: AnyDisk, b: AnyDisk, world: CommandWorld): Promise<number> {
  const { output } = world;
  if (a.size !== b.size) {
    const message = `different sizes: ${a.path} has ${a.size} bytes, ${b.path} ${b.size}`;
    return different(world, message, { sizes: [a.size, b.size] });
  }
  const at = await firstDifference(a, b, progressOf(a.size, world));
  if (world.signal.aborted) throw cancelled();
  for (const disk of [a, b]) {
    if (!(await disk.unchanged()))
      throw new CommandError(
        "not-comparable",
        `${disk.path} was changed while it was compared: stop what writes it, and compare again`,
      );
  }
  if (at !== undefined) {
    const message = `different: the first byte that differs is at ${at} of ${a.size}`;
    return different(world, message, { "first-difference": at });
  }
  output.endProgress();
  output.say(`equal: ${a.size} bytes (${formatBytes(a.size)})`);
  output.event("completed", { total: a.size });
  return EXIT.ok;
}

function cancelled(): CommandError {
  return new CommandError("cancelled", "cancelled: nothing is known of the rest");
}

function progressOf(total: number, { output, signal }: CommandWorld) {
  const rate = createRate(() => performance.now());
  const onProgress = (done: number): void => {
    const speed = rate(done);
    const status = { status: "active", phase: "compare", remaining: total - done, total, bandwidth: Math.round(speed) };
    output.progress({ phase: "compare", done, total, rate: speed }, status);
  };
  return { signal, onProgress };
}

function different({ output }: CommandWorld, message: string, where: Readonly<Record<string, unknown>>): number {
  output.endProgress();
  output.say(message);
  output.event("failed", { code: "different", message, ...where });
  return EXIT.different;
}
