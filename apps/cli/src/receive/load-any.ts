import {
  load,
  loadFromQemu,
  type LoadEvent,
  type LoadResult,
  type SinkDisk,
  type SinkLimits,
  type SinkWire,
} from "@blkmig/sink";

import { createVmState } from "./vm-state.ts";

/**
 * Half of what `load()` allows itself: over a WebSocket, messages that have been read wait for the collector as well, and
 * with a slow target both together came to 157 MiB beyond Node's own.
 */
export const LIMITS: SinkLimits = { bufferedBytes: 32 * 1024 * 1024 };

export interface AnyLoad {
  readonly speaks: "classic" | "qemu";
  readonly wire: SinkWire;
  readonly disks: readonly SinkDisk[];
  readonly incremental: boolean;
  /** Where a QEMU's machine goes, if it is kept. */
  readonly vmState: string | undefined;
  readonly signal: AbortSignal;
  readonly onEvent: (event: LoadEvent) => void;
}

/** Loads a stream that has no session. Throws `LoadError`. */
export async function loadAny(any: AnyLoad): Promise<LoadResult> {
  const { speaks, wire, disks, incremental, vmState, signal, onEvent } = any;
  const common = { disks, wire, limits: LIMITS, incremental, signal, onEvent };
  if (speaks === "classic") return load(common);
  if (vmState === undefined) return loadFromQemu(common);
  const machine = await createVmState(vmState);
  try {
    return await loadFromQemu({ ...common, machine });
  } catch (error) {
    await machine.discard();
    throw error;
  }
}
