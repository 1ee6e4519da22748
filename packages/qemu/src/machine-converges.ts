import type { DisksView, RamFigures } from "./machine-contract.ts";
import type { MachineState } from "./machine-state.ts";
import type { RamReport } from "./ram-report.ts";

/** Before the end of the first pass it is time: so much is to be done before the guest can stop. Milliseconds. */
const LEAD_MS = 1000;
const FIRST_PASS = 1;
/** What the memory is left at least, of a limit that the disks use up: with nothing QEMU would never stop a busy guest. */
const LEAST_MEMORY_MS = 5;
/**
 * Lets QEMU go on sending, pass after pass, rather than stop the guest; one that writes next to nothing is stopped all the same. Not 0:
 * then QEMU (7.2 and 10.0, run here) stops the guest at the end of the first pass, without looking for what was written meanwhile.
 */
export const KEEP_SENDING_MS = 1;

/** Whether to switch over: `begin` means not yet, but it is time to send the memory. Decides; touches nothing. */
export function judgeConvergence(
  { move, guest }: MachineState,
  disks: DisksView,
  ram: RamReport | undefined,
): "no" | "begin" | "yes" {
  switch (move.is) {
    case "new":
      return "no";
    case "ready":
      return disks.bulkDone && disksMs(disks) <= disks.downtimeLimit ? "begin" : "no";
    case "sending":
      if (guest.is === "stopped") return "yes"; // each moment is downtime already
      if (!ram?.figures || !disks.bulkDone || disksMs(disks) > disks.downtimeLimit) return "no";
      if (ram.passes <= FIRST_PASS)
        return move.afterPass < ram.passes && sendingMs(ram.figures) <= LEAD_MS ? "yes" : "no";
      if (ram.passes <= move.afterPass) return "no";
      return disksMs(disks) + memoryMs(ram.figures) <= disks.downtimeLimit ? "yes" : "no";
    case "held":
    case "handing":
    case "completed":
    case "handed":
    case "moved":
    case "over":
    case "back":
      return "yes"; // the guest stands still, or there is something to say that only `pause()` can say
  }
}

/** Milliseconds that the disks alone would keep the guest. */
function disksMs({ pending, bandwidth }: DisksView): number {
  return pending === 0 ? 0 : (pending / (bandwidth ?? 0)) * 1000;
}

/** Milliseconds that QEMU may stop the guest for its memory, as the disks are now. */
export function memoryAllowance(disks: DisksView): number {
  const left = disks.downtimeLimit - disksMs(disks);
  return left < 0 ? KEEP_SENDING_MS : Math.max(LEAST_MEMORY_MS, left);
}

/** Milliseconds that the memory alone would keep the guest. */
function memoryMs(figures: RamFigures): number {
  return figures.expectedDowntime ?? sendingMs(figures);
}

/** Milliseconds to the end of this pass. */
function sendingMs({ remaining, bandwidth }: RamFigures): number {
  return remaining === 0 ? 0 : (remaining / (bandwidth ?? 0)) * 1000;
}
