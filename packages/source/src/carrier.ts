import type { BufferPool, Run } from "@blkmig/device";
import { segmentsLength } from "@blkmig/protocol";

import { type Classified, type ClassifyRules, classifyRun } from "./classify.ts";
import { abandonFlight, beginFlight, type DiskWork, endFlight } from "./disk-work.ts";
import type { Flights } from "./flights.ts";
import type { Meter } from "./meter.ts";
import type { Outlet } from "./outlet.ts";
import { messageOf, Stop } from "./stop.ts";
import type { WireFormat } from "./wire-format.ts";
import { isZero } from "./zero.ts";

/** Carries runs from disk to wire. */
export interface Carrier {
  /** Reads in flight. */
  readonly reads: number;
  /** Whether a buffer is free. */
  readonly hasBuffer: boolean;
  /** Asks the disk what a run is, and sends what it is if that needs no read. Gives the bytes of stream. */
  ask(work: DiskWork, run: Run, maySkip: boolean): Promise<number>;
  /** Begins to read and send one unit. `hasBuffer` must hold. `onZero` is told if it needed no payload. */
  read(work: DiskWork, run: Run, onZero: () => void): void;
}

export interface CarrierParts {
  readonly format: WireFormat;
  readonly pool: BufferPool;
  readonly buffers: number;
  readonly outlet: Outlet;
  readonly flights: Flights;
  /** Disk bytes that were read and have left; what the disk knew to be zero; finished reads. */
  readonly meters: { readonly data: Meter; readonly zero: Meter; readonly reading: Meter };
}

export function createCarrier({ format, pool, buffers, outlet, flights, meters }: CarrierParts): Carrier {
  let reads = 0;
  let held = 0;

  const readUnit = async (work: DiskWork, run: Run, buffer: Uint8Array): Promise<Uint8Array> => {
    const filled = buffer.subarray(0, run.length);
    reads++;
    meters.reading.begin();
    try {
      await work.disk.device.read(run.offset, filled);
      // What is behind the disk's end is whatever the buffer held before: it must not leave this host.
      buffer.fill(0, run.length);
      return filled;
    } catch (cause) {
      throw new Stop("device", messageOf(cause), { cause });
    } finally {
      reads--;
      meters.reading.end(format.unit);
      flights.stir(); // the next read may begin while this one is sent
    }
  };

  const sendUnit = async (work: DiskWork, run: Run, buffer: Uint8Array, onZero: () => void): Promise<void> => {
    const filled = await readUnit(work, run, buffer);
    if (format.zeroes && isZero(filled)) {
      onZero();
      await outlet.send(format.zeroBlocks(work.disk.name, run.offset, 1));
      work.zeroBytes += run.length;
    } else {
      await outlet.send(format.block(work.disk.name, run.offset, buffer));
      work.dataBytes += run.length;
    }
  };

  const sendZeroes = async (work: DiskWork, run: Run): Promise<number> => {
    const frames = format.zeroBlocks(work.disk.name, run.offset, Math.ceil(run.length / format.unit));
    let settled = 0;
    meters.zero.begin();
    try {
      await outlet.send(frames);
      settled = run.length;
      work.zeroBytes += run.length;
      endFlight(work, run);
    } catch (error) {
      abandonFlight(work, run);
      throw error;
    } finally {
      meters.zero.end(settled);
    }
    return segmentsLength(frames);
  };

  return {
    get reads() {
      return reads;
    },
    get hasBuffer() {
      return held < buffers;
    },
    async ask(work, run, maySkip) {
      beginFlight(work, run); // asking is reading: an answer from before the clear could miss a write
      const { kind, length } = await classify(work, run, { unit: format.unit, zeroes: format.zeroes, skip: maySkip });
      const known = { offset: run.offset, length: kind === "data" ? 0 : length };
      giveBack(work, run, known.length);
      if (kind === "data") work.dataUntil = run.offset + length;
      if (kind === "zero") return sendZeroes(work, known);
      if (kind === "skip") skip(work, known);
      return 0;
    },
    read(work, run, onZero) {
      beginFlight(work, run); // before the read: a write landing meanwhile marks it again
      const buffer = pool.tryTake();
      if (!buffer) throw new Error("read() without a free buffer");
      held++;
      flights.begin(async () => {
        let settled = 0;
        meters.data.begin();
        try {
          await sendUnit(work, run, buffer, onZero);
          settled = run.length;
          endFlight(work, run);
        } catch (error) {
          abandonFlight(work, run);
          throw error;
        } finally {
          meters.data.end(settled);
          pool.give(buffer);
          held--;
        }
      });
    },
  };
}

async function classify(work: DiskWork, run: Run, rules: ClassifyRules): Promise<Classified> {
  try {
    return await classifyRun(work.disk.device.extents(run.offset, run.length), run, rules);
  } catch (cause) {
    abandonFlight(work, run);
    throw new Stop("device", messageOf(cause), { cause });
  }
}

/** What is not dealt with here was not sent, so it is still to do, and the sweep comes back to it. */
function giveBack(work: DiskWork, run: Run, done: number): void {
  const rest = { offset: run.offset + done, length: run.length - done };
  if (rest.length > 0) abandonFlight(work, rest);
  work.cursor = rest.offset;
}

function skip(work: DiskWork, run: Run): void {
  work.skippedBytes += run.length;
  endFlight(work, run);
}
