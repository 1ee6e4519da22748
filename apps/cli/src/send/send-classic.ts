import { classicFormat, migrate, type MigrationResult, qemuFormat, type WireFormat } from "@blkmig/source";

import type { CommandWorld } from "../run-command.ts";
import { explainQemu } from "./explain-qemu.ts";
import { migrationOptions } from "./migration-options.ts";
import type { Sources } from "./open-sources.ts";
import type { SendOptions } from "./send-options.ts";
import type { SendWires } from "./send-wires.ts";

/** Sends by one of the older wires, over one connection. They have no commit, so nothing is recorded here. */
export async function sendClassic(
  options: SendOptions,
  parts: { readonly sources: Sources; readonly wires: SendWires },
  world: CommandWorld,
): Promise<MigrationResult> {
  const wire = await parts.wires.open(world.signal);
  try {
    return await migrate({ ...migrationOptions(options, parts.sources, world), wire, format: formatOf(options) });
  } catch (error) {
    throw options.wire === "qemu" ? explainQemu(error) : error;
  }
}

function formatOf({ wire, machine, zeroBlocks }: SendOptions): WireFormat {
  if (wire === "qemu") return qemuFormat({ machine, zeroBlocks });
  return classicFormat({ generation: wire === "1.0" ? "1.0" : "1.1", zeroBlocks });
}
