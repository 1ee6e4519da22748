import { takeMachineBack } from "./machine-back.ts";
import type { DisksView } from "./machine-contract.ts";
import { KEEP_SENDING_MS, memoryAllowance } from "./machine-converges.ts";
import { failureOf } from "./machine-failure.ts";
import type { MachineParts } from "./machine-parts.ts";
import type { MachineState } from "./machine-state.ts";

const LEAST_PATIENCE_MS = 2000;
/** From the guest's stop to pre-switchover QEMU only finishes what it has begun. */
const HOLD_MS = 30_000;

/** Lets QEMU stop the guest, at pre-switchover. `disks`: when it was last asked whether to. Throws `QemuError` `migration`. */
export async function holdMachine(parts: MachineParts, disks: DisksView | undefined): Promise<void | "not-yet"> {
  const { source, watch } = parts;
  try {
    while (watch.state.move.is === "sending") {
      if (isRunningOn(watch.state)) {
        if (!(await letSwitchOver(parts, disks))) return "not-yet";
      } else if (!(await watch.until((state) => state.move.is !== "sending" || isRunningOn(state), HOLD_MS))) break;
    }
    if (watch.state.move.is !== "held") throw await failureOf(source, watch.state);
  } catch (error) {
    if (watch.state.guest.is === "stopped") await takeMachineBack(parts); // who hears that it failed does not resume it
    throw error;
  }
}

/** Whether QEMU came to stop the guest, or failed, in time; else it will not do so before it is let again. */
async function letSwitchOver(parts: MachineParts, disks: DisksView | undefined): Promise<boolean> {
  const { watch, ram } = parts;
  const limit = parts.downtimeLimit();
  await ram.allow(disks ? Math.min(memoryAllowance(disks), limit) : limit);
  const hasCome = await watch.until((state) => !isRunningOn(state), Math.max(LEAST_PATIENCE_MS, 4 * limit));
  if (hasCome) return true;
  // First: while QEMU may still switch over, whether it has cannot be said.
  await ram.allow(KEEP_SENDING_MS);
  const { passes } = await ram.refresh();
  if (!isRunningOn(watch.state)) return true;
  watch.enter({ is: "sending", afterPass: passes });
  return false;
}

function isRunningOn({ move, guest }: MachineState): boolean {
  return move.is === "sending" && guest.is !== "stopped";
}
