import { encodeShut } from "@blkmig/protocol";
import { LoadError, type LoadEvent, type LoadResult } from "@blkmig/sink";

import { CommandError } from "../command-error.ts";
import { createRate } from "../output/rate.ts";
import { type ClassicTargets, openClassicTargets } from "./classic-targets.ts";
import { createCommittingWire } from "./committing-wire.ts";
import { completedFields, describeEnd, progressOf, statusFields } from "./describe-progress.ts";
import { loadAny } from "./load-any.ts";
import type { SenderWire } from "./sender-wire.ts";
import { PART_WITHIN_MS, type Taking } from "./taking.ts";

/** Everything is here, and the sender was not told. */
const UNTOLD = {
  classic: "everything is here, but the sender has gone and may not know: it will say that it is in doubt",
  qemu: "everything is here, but QEMU opened no return path: it says completed by itself, whatever has arrived (use the capability return-path)",
} as const;

const now = (): number => performance.now();

/** Takes a stream that has no session, to its end, and closes the targets. Throws `LoadError`, and `CommandError` `refused`. */
export async function takeStream(taking: Taking, speaks: "classic" | "qemu"): Promise<void> {
  const { wire, targets, guard, onAnswered, world } = taking;
  const begun = now();
  let marked: ClassicTargets | undefined;
  try {
    marked = await admitted(wire, openClassicTargets(targets, guard));
    for (const warning of marked.warnings) world.output.warn(warning);
    const result = await loadMarked(taking, speaks, marked);
    onAnswered();
    if (wire.send && !result.answered) world.output.warn(UNTOLD[speaks]);
    await Promise.all([wire.part(PART_WITHIN_MS), targets.close("touched")]);
    world.output.endProgress();
    for (const line of describeEnd(result, now() - begun)) world.output.say(line);
    world.output.event("completed", completedFields(result, now() - begun));
  } catch (error) {
    onAnswered();
    const isTouched = marked?.marked ?? false;
    await Promise.all([wire.part(PART_WITHIN_MS), targets.close(isTouched ? "touched" : "untouched")]);
    throw isTouched ? error : untouched(error);
  }
}

/** A sender whose targets are refused is told so, in the middle of its stream. */
async function admitted(wire: SenderWire, opening: Promise<ClassicTargets>): Promise<ClassicTargets> {
  try {
    return await opening;
  } catch (error) {
    await wire.send?.(encodeShut(1)).catch(() => {}); // it has gone already
    throw error;
  }
}

async function loadMarked(
  { wire, options, world }: Taking,
  speaks: "classic" | "qemu",
  marked: ClassicTargets,
): Promise<LoadResult> {
  const { output, signal } = world;
  const rate = createRate(now);
  const onEvent = (event: LoadEvent): void => {
    const speed = rate(event.progress.covered);
    output.progress(progressOf(event, speed), statusFields(event, speed));
  };
  const { incremental, vmState } = options;
  const committing = createCommittingWire(wire, async () => marked.commit());
  const { disks } = marked;
  const result = await loadAny({ speaks, wire: committing, disks, incremental, vmState, signal, onEvent });
  await marked.commit(); // where nobody was to be told; and it throws again what failed
  return result;
}

/** A target that could not even be marked was not written. */
function untouched(error: unknown): unknown {
  if (!(error instanceof LoadError) || !error.touched) return error;
  return new CommandError("refused", `${error.message} (nothing was written)`, { cause: error });
}
