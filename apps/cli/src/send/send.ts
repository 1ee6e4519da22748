import { classicFormat, migrate, type MigrationEvent, qemuFormat, type WireFormat } from "@blkmig/source";

import { EXIT } from "../exit-code.ts";
import type { Output } from "../output/output.ts";
import { createRate } from "../output/rate.ts";
import type { CommandWorld } from "../run-command.ts";
import { completedFields, describeEnd, progressOf, settledBytes, statusFields } from "./describe-statistics.ts";
import { explainQemu } from "./explain-qemu.ts";
import { assertNoSource, openSendWire } from "./open-send-wire.ts";
import { openSources } from "./open-sources.ts";
import type { SendOptions } from "./send-options.ts";
import { assertWholeBlocks } from "./whole-blocks.ts";

/** Moves disks to a receiver; gives the exit code, or throws what ended it. */
export async function send(options: SendOptions, world: CommandWorld): Promise<number> {
  const { output, signal } = world;
  const sources = await openSources(options.disks, options.dangers);
  try {
    await assertNoSource(options.to, sources);
    if (options.wire === "qemu") await assertWholeBlocks(sources);
    const wire = await openSendWire(options, world);
    try {
      const { proved, statistics } = await migrate({
        disks: sources.disks,
        wire,
        format: formatOf(options),
        downtimeLimit: options.downtimeLimit,
        ...(options.maxBandwidth === undefined ? {} : { maxBandwidth: options.maxBandwidth }),
        incremental: options.incremental,
        includeReadOnly: true, // they are opened so: nothing here writes a source
        confirm: () => sources.confirmUnchanged(),
        signal,
        onEvent: tellTo(output),
      });
      output.endProgress();
      for (const line of describeEnd(statistics)) output.say(line);
      if (!proved) output.say("nobody has checked it: this wire cannot answer");
      output.event("completed", completedFields(statistics, proved));
      return EXIT.ok;
    } catch (error) {
      throw options.wire === "qemu" ? explainQemu(error) : error;
    } finally {
      wire.destroy();
    }
  } finally {
    await sources.close();
  }
}

function formatOf({ wire, machine, zeroBlocks }: SendOptions): WireFormat {
  return wire === "qemu" ? qemuFormat({ machine, zeroBlocks }) : classicFormat({ generation: wire, zeroBlocks });
}

function tellTo(output: Output): (event: MigrationEvent) => void {
  const rate = createRate(() => performance.now());
  return (event) => {
    switch (event.type) {
      case "status": {
        const speed = rate(settledBytes(event.statistics));
        output.progress(progressOf(event.statistics, speed), statusFields(event.statistics));
        break;
      }
      case "pass":
        output.event("pass", { pass: event.pass, ...statusFields(event.statistics) });
        break;
      case "warning":
        output.warn(event.message);
        break;
    }
  };
}
