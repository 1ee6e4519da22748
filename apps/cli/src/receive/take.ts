import { encodeShut } from "@blkmig/protocol";
import { LoadError, type LoadEvent, type LoadResult } from "@blkmig/sink";

import type { Output } from "../output/output.ts";
import { createRate } from "../output/rate.ts";
import type { CommandWorld } from "../run-command.ts";
import { completedFields, describeEnd, progressOf, statusFields } from "./describe-progress.ts";
import { loadAny } from "./load-any.ts";
import type { Targets } from "./open-targets.ts";
import type { SenderWire } from "./sender-wire.ts";

/** How long a sender may take to close its side once it has been told how it ended. */
const PART_WITHIN_MS = 2000;

/** Everything is here, and the sender was not told. */
const UNTOLD = {
  classic: "everything is here, but the sender has gone and may not know: it will say that it is in doubt",
  qemu: "everything is here, but QEMU opened no return path: it says completed by itself, whatever has arrived (use the capability return-path)",
} as const;

const now = (): number => performance.now();

export interface Taking {
  readonly wire: SenderWire;
  readonly targets: Targets;
  readonly incremental: boolean;
  /** Where a QEMU's machine goes, if it is kept. */
  readonly vmState: string | undefined;
  /** Told as soon as the sender has its answer: others may come now. */
  readonly onAnswered: () => void;
}

/** Takes one migration, to its end, and closes the targets. Throws `LoadError`. */
export async function takeMigration(taking: Taking, { output, signal }: CommandWorld): Promise<void> {
  const { wire, targets } = taking;
  const begun = now();
  const rate = createRate(now);
  let written: "touched" | "untouched" = "touched";
  try {
    const onEvent = (event: LoadEvent): void => {
      const speed = rate(event.progress.covered);
      output.progress(progressOf(event, speed), statusFields(event, speed));
    };
    const result = await loadAny({ ...taking, signal, onEvent });
    taking.onAnswered();
    if (wire.send && !result.answered) output.warn(UNTOLD[wire.speaks]);
    await Promise.all([wire.part(PART_WITHIN_MS), targets.close("touched")]);
    told(output, result, now() - begun);
  } catch (error) {
    taking.onAnswered();
    if (error instanceof LoadError && !error.touched) written = "untouched";
    await Promise.all([wire.part(PART_WITHIN_MS), targets.close(written)]);
    throw error;
  }
}

/** Tells a sender, in the middle of its stream, that nothing will come of it. */
export async function turnAway(wire: SenderWire, onAnswered: () => void): Promise<void> {
  await wire.send?.(encodeShut(1)).catch(() => {}); // it has gone already
  onAnswered();
  await wire.part(PART_WITHIN_MS);
}

function told(output: Output, result: LoadResult, totalTime: number): void {
  output.endProgress();
  for (const line of describeEnd(result, totalTime)) output.say(line);
  output.event("completed", completedFields(result, totalTime));
}
