import { encodeShut } from "@blkmig/protocol";
import { LoadError, type LoadEvent, type LoadResult } from "@blkmig/sink";

import { CommandError, messageOf } from "../command-error.ts";
import { createRate } from "../output/rate.ts";
import { type ClassicTargets, openClassicTargets } from "./classic-targets.ts";
import { createCommittingWire } from "./committing-wire.ts";
import { completedFields, describeEnd, progressOf, statusFields } from "./describe-progress.ts";
import { loadAny } from "./load-any.ts";
import { PART_WITHIN_MS, type Taking } from "./taking.ts";
import { assertNoStateWanted } from "./vm-state.ts";

/** Everything is here, and the sender was not told. */
const UNTOLD = {
  classic: "everything is here, but the sender has gone and may not know: it will say that it is in doubt",
  qemu: "everything is here, but QEMU opened no return path: it says completed by itself, whatever has arrived (use the capability return-path)",
} as const;

const now = (): number => performance.now();

/** Takes a stream that has no session, to its end, and closes the targets. Throws `LoadError`, and `CommandError` `refused`. */
export async function takeStream(taking: Taking, speaks: "classic" | "qemu"): Promise<void> {
  const { wire, targets, onAnswered, world, serving } = taking;
  const begun = now();
  let marked: ClassicTargets | undefined;
  try {
    marked = await admitted(taking, speaks);
    for (const warning of marked.warnings) world.output.warn(warning);
    const result = await loadMarked(taking, speaks, marked);
    onAnswered({ migration: marked.migration, attempt: 1 });
    serving?.open(); // from now on they are not the receiver's to close
    if (wire.send && !result.answered) world.output.warn(UNTOLD[speaks]);
    await Promise.all([wire.part(PART_WITHIN_MS), targets.close("touched")]);
    world.output.endProgress();
    for (const line of describeEnd(result, now() - begun)) world.output.say(line);
    world.output.event("completed", completedFields(result, now() - begun));
  } catch (error) {
    onAnswered();
    await Promise.all([wire.part(PART_WITHIN_MS), targets.close(marked?.mark === "made" ? "touched" : "untouched")]);
    throw marked?.mark === "failed" ? unmarked(error) : error;
  }
}

/** A sender whose targets are refused is told so, in the middle of its stream. */
async function admitted(
  { wire, targets, guard, options, serving }: Taking,
  speaks: "classic" | "qemu",
): Promise<ClassicTargets> {
  try {
    if (speaks !== "qemu") assertNoStateWanted(options.vmState);
    const marked = await openClassicTargets(targets, guard);
    const { migration, disks } = marked;
    await serving?.bind({ migration, disks: disks.map(({ name, device: { size } }) => ({ name, size })) });
    return marked;
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

/** A target that could not be marked was not written. */
function unmarked(error: unknown): CommandError {
  // Marking is a part of the first write, and so the room that loads takes it for the wire's failure.
  const why = error instanceof LoadError && error.code === "wire" ? error.cause : error;
  return new CommandError("refused", `${messageOf(why)} (nothing was written)`, { cause: error });
}
