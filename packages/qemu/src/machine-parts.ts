import type { Clock } from "@blkmig/device";

import type { MachineMoveOptions } from "./machine-contract.ts";
import type { MachineWatch } from "./machine-watch.ts";
import type { RamSender } from "./ram-sender.ts";

/** What the steps of a machine's move work with. */
export interface MachineParts extends Omit<MachineMoveOptions, "clock"> {
  readonly clock: Clock;
  readonly watch: MachineWatch;
  readonly ram: RamSender;
}
