import { systemClock } from "@blkmig/device";

import { takeMachineBack } from "./machine-back.ts";
import { markOf } from "./machine-before.ts";
import type { DisksView, MachineMove, MachineMoveOptions } from "./machine-contract.ts";
import { judgeConvergence, memoryAllowance } from "./machine-converges.ts";
import { handMachineOver, resumeMachineThere } from "./machine-hand-over.ts";
import type { MachineParts } from "./machine-parts.ts";
import { holdMachine } from "./machine-pause.ts";
import { inspectDestination, inspectSource, putBack, readyBoth, type SourceBefore } from "./machine-ready.ts";
import { assertMigrateUri } from "./machine-uri.ts";
import { createMachineWatch } from "./machine-watch.ts";
import { messageOf } from "./message-of.ts";
import { createRamSender } from "./ram-sender.ts";

/** Nothing is asked of either QEMU before `prepare()`. Throws `TypeError` for a `uri` that `migrate` cannot answer over. */
export function createMachineMove(options: MachineMoveOptions): MachineMove {
  assertMigrateUri(options.uri);
  const { source, destination, live, clock = systemClock, warn } = options;
  const watch = createMachineWatch(source, clock);
  const ram = createRamSender({ ...options, clock, watch });
  const parts: MachineParts = { ...options, clock, watch, ram };
  let before: SourceBefore | undefined;
  let asked: DisksView | undefined;
  let ranThereAt: number | undefined;
  let unwatchDestination: (() => void) | undefined;

  return {
    async prepare() {
      const found = await inspectSource(source);
      await inspectDestination(source, destination);
      await live.mark(markOf(found)); // first: whoever cleans up after us could not know it
      before = found;
      await readyBoth(source, destination, found);
      watch.start(found.runs);
      unwatchDestination = destination.watch(({ event }) => {
        if (event === "RESUME" && watch.state.move.is === "moved") ranThereAt ??= clock.now();
      });
    },
    converges(view) {
      asked = view;
      const verdict = judgeConvergence(watch.state, view, ram.report);
      if (verdict === "begin") ram.begin(allowance(view));
      // QEMU looks at the end of each of its passes, and a pass that it makes for nothing is one more in which much is written.
      else if (watch.state.move.is === "sending") ram.suggest(allowance(view));
      return verdict === "yes";
    },
    guest: {
      pause: () => holdMachine(parts, asked),
      resume: () => takeMachineBack(parts),
    },
    get figures() {
      return ram.report?.figures;
    },
    handOver: () => handMachineOver(parts),
    get downtime() {
      const { guest } = watch.state;
      return guest.is === "stopped" ? (ranThereAt ?? clock.now()) - guest.at : undefined;
    },
    async resumeThere() {
      await resumeMachineThere(parts);
      ranThereAt ??= clock.now();
    },
    async close() {
      const { move } = watch.state;
      try {
        if (move.is === "handed" || move.is === "moved") return;
        await takeMachineBack(parts).catch(tell);
        if (before) await putItBack(before).catch(tell);
      } finally {
        ram.stop();
        watch.stop();
        unwatchDestination?.();
      }
    },
  };

  function allowance(view: DisksView): number {
    return Math.min(memoryAllowance(view), options.downtimeLimit());
  }

  async function putItBack(found: SourceBefore): Promise<void> {
    await putBack(source, found);
    await live.unmark(markOf(found));
  }

  function tell(error: unknown): void {
    if (!source.ended.aborted) warn(messageOf(error));
  }
}
