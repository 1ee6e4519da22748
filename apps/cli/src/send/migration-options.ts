import type { MigrationOptions, SourceDisk } from "@blkmig/source";

import type { CommandWorld } from "../run-command.ts";
import type { SendOptions } from "./send-options.ts";
import { type Memory, tellTo } from "./tell-events.ts";

export interface SendableDisks {
  readonly disks: readonly SourceDisk[];
  /** Throws if what was sent of them is not what they are. */
  readonly confirmUnchanged: () => Promise<void>;
}

/** What a migration is told whatever its wire. */
export function migrationOptions(
  { downtimeLimit, maxBandwidth, incremental }: Pick<SendOptions, "downtimeLimit" | "maxBandwidth" | "incremental">,
  { disks, confirmUnchanged }: SendableDisks,
  { output, signal }: CommandWorld,
  memory?: () => Memory | undefined,
): Omit<MigrationOptions, "wire" | "session" | "format"> {
  return {
    disks,
    downtimeLimit,
    ...(maxBandwidth === undefined ? {} : { maxBandwidth }),
    incremental,
    includeReadOnly: true, // they are opened so: nothing here writes a source
    confirm: confirmUnchanged,
    signal,
    onEvent: tellTo(output, memory),
  };
}
