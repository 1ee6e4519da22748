import { migrate, type MigrationResult } from "@blkmig/source";
import { formatWireUrl } from "@blkmig/transport/url";

import { loadCrc32 } from "../load-crc32.ts";
import type { CommandWorld } from "../run-command.ts";
import { migrationOptions } from "./migration-options.ts";
import type { Sources } from "./open-sources.ts";
import type { RecordedSource } from "./recorded-sources.ts";
import type { SendOptions } from "./send-options.ts";
import { connectBy, type SendWires } from "./send-wires.ts";
import type { SessionChoices } from "./session-choices.ts";
import { openSessionRecord } from "./session-record.ts";

export interface SessionParts {
  readonly choices: SessionChoices;
  readonly sources: Sources;
  readonly recorded: readonly RecordedSource[];
  readonly wires: SendWires;
}

/** Sends by blkmig's own session, over as many connections as it takes, with a record of the commit beside the disks. */
export async function sendBySession(
  options: SendOptions,
  { choices, sources, recorded, wires }: SessionParts,
  world: CommandWorld,
): Promise<MigrationResult> {
  const { resume, reconnectFor, verify, checksums, clone, granularity } = choices;
  const record = await openSessionRecord(recorded, {
    resume,
    stateDir: options.stateDir,
    to: formatWireUrl(options.to),
    isToPage: (options.allowOrigin?.length ?? 0) > 0,
    warn: (message) => world.output.warn(message),
  });
  const within = options.to.kind === "stdio" ? 0 : reconnectFor;
  try {
    const connect = await connectBy(wires, world.signal, within);
    const { migration, journal, resume: earlier } = record;
    const crc32 = await loadCrc32();
    const session = { connect, migration, journal, verify, checksums, crc32, clone, granularity, reconnectFor: within };
    return await migrate({
      ...migrationOptions(options, sources, world),
      session: earlier ? { ...session, resume: earlier } : session,
    });
  } catch (error) {
    throw record.judge(error);
  }
}
