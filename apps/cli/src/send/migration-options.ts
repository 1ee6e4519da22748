import type { MigrationOptions } from "@blkmig/source";

import type { CommandWorld } from "../run-command.ts";
import type { Sources } from "./open-sources.ts";
import type { SendOptions } from "./send-options.ts";
import { tellTo } from "./tell-events.ts";

/** What a migration is told whatever its wire. */
export function migrationOptions(
  { downtimeLimit, maxBandwidth, incremental }: SendOptions,
  sources: Sources,
  { output, signal }: CommandWorld,
): Omit<MigrationOptions, "wire" | "session" | "format"> {
  return {
    disks: sources.disks,
    downtimeLimit,
    ...(maxBandwidth === undefined ? {} : { maxBandwidth }),
    incremental,
    includeReadOnly: true, // they are opened so: nothing here writes a source
    confirm: () => sources.confirmUnchanged(),
    signal,
    onEvent: tellTo(output),
  };
}
