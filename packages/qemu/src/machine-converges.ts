import type { DisksView, RamFigures } from "./machine-contract.ts";
import type { MachineState } from "./machine-state.ts";
import type { RamReport } from "./ram-report.ts";

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
      if (!ram?.figures || ram.passes <= move.afterPass || !disks.bulkDone) return "no";
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
export function disksMs({ pending, bandwidth }: DisksView): number {
  return pending === 0 ? 0 : (pending / (bandwidth ?? 0)) * 1000;
}

/** Milliseconds that the memory alone would keep the guest. */
function memoryMs({ expectedDowntime, remaining, bandwidth }: RamFigures): number {
  if (expectedDowntime !== undefined) return expectedDowntime;
  return remaining === 0 ? 0 : (remaining / (bandwidth ?? 0)) * 1000;
}
