import type { MachineMove, MachineMoveOptions } from "./machine-contract.ts";

/** Nothing is asked of either QEMU before `prepare()`. Throws `TypeError` for a `uri` that `migrate` cannot answer over. */
export function createMachineMove(options: MachineMoveOptions): MachineMove {
  throw new Error(`not landed: ${options.uri}`);
}
