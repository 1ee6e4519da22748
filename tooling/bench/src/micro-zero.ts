import type { BlockDevice, Extent } from "@blkmig/device";
import type { Segments } from "@blkmig/protocol";
import { classicFormat, migrate, type SourceWire, type WireFormat } from "@blkmig/source";

import { KiB, type MicroTask, MiB } from "./micro-task.ts";

const UNITS = 64;
/** Swallows everything, and says nothing. */
const NOWHERE: SourceWire = { async send() {}, async finish() {}, destroy() {} };

/**
 * Units through a whole source, from a device that costs a `fill` or nothing to a wire that costs nothing: the zero test is the
 * source's own, and this is what it costs there. Data is told apart by its first byte, zeroes by their last.
 */
export function zeroTasks(): readonly MicroTask[] {
  return [64 * KiB, MiB].flatMap((unit) => [
    unitsTask(unit, "zeroes", (into) => into.fill(0)),
    unitsTask(unit, "data", (into) => into.fill(0x5a)),
  ]);
}

function unitsTask(unit: number, kind: string, fill: (into: Uint8Array) => unknown): MicroTask {
  const format = inUnits(unit);
  const device = filledDevice(unit * UNITS, fill);
  return {
    name: `source: fill, test and frame ${unit / KiB} KiB of ${kind}`,
    bytes: unit,
    times: UNITS,
    run: async () => void (await migrate({ wire: NOWHERE, format, disks: [{ name: "vda", device }] })),
  };
}

/** The classic format, with blocks of another size; nobody reads its frames. */
function inUnits(unit: number): WireFormat {
  const none: Segments = [];
  return { ...classicFormat(), unit, block: (_disk, _offset, data) => [data], zeroBlocks: () => none };
}

/** A disk that does not know what is zero. */
function filledDevice(size: number, fill: (into: Uint8Array) => unknown): BlockDevice {
  return {
    name: "filled",
    size,
    readOnly: false,
    read: async (_offset, into) => void fill(into),
    async *extents(offset, length): AsyncGenerator<Extent> {
      yield { offset, length, zero: false, allocated: true };
    },
    write: refuse,
    zero: refuse,
    async flush() {},
    async close() {},
  };
}

async function refuse(): Promise<never> {
  throw new Error("nobody writes this disk");
}
