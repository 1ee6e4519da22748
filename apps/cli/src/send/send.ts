import type { MigrationResult } from "@blkmig/source";

import { EXIT } from "../exit-code.ts";
import type { Output } from "../output/output.ts";
import type { CommandWorld } from "../run-command.ts";
import { completedFields, describeEnd } from "./describe-statistics.ts";
import { openSources } from "./open-sources.ts";
import { assertOwnedHere, assertRecordable, readSourceRecords } from "./recorded-sources.ts";
import { sendBySession } from "./send-by-session.ts";
import { sendClassic } from "./send-classic.ts";
import type { SendOptions } from "./send-options.ts";
import { assertNoSource, createSendWires } from "./send-wires.ts";
import { assertWholeBlocks } from "./whole-blocks.ts";

/** Moves disks to a receiver; gives the exit code, or throws what ended it. */
export async function send(options: SendOptions, world: CommandWorld): Promise<number> {
  const { output, signal } = world;
  const warn = (message: string): void => output.warn(message);
  const sources = await openSources(options.disks, { ...options, signal, warn });
  const { session: choices } = options;
  const resume = choices?.resume ?? false;
  try {
    await assertNoSource(options.to, sources);
    const recorded = await readSourceRecords(sources, options);
    await assertOwnedHere(recorded, { ...options, mayAsk: resume });
    if (choices) await assertRecordable(recorded);
    if (options.wire === "qemu") await assertWholeBlocks(sources);
    const wires = await createSendWires({ ...options, resume }, world);
    if (options.why !== undefined) output.say(options.why);
    try {
      const parts = { sources, wires };
      const result = choices
        ? await sendBySession(options, { ...parts, choices, recorded }, world)
        : await sendClassic(options, parts, world);
      tellEnd(result, options, output);
      return EXIT.ok;
    } finally {
      await wires.close();
    }
  } finally {
    await sources.close();
  }
}

function tellEnd({ proved, statistics, session }: MigrationResult, { session: choices }: SendOptions, output: Output) {
  output.endProgress();
  for (const line of describeEnd(statistics)) output.say(line);
  if (!proved) output.say("nobody has checked it: this wire cannot answer");
  if (choices) output.say(choices.clone ? "each source stays a disk of its own" : "each source is marked as moved");
  output.event("completed", { ...completedFields(statistics, proved), migration: session?.migration });
}
