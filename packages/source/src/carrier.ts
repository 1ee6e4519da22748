import type { BufferPool, Run } from "@blkmig/device";

import { type Classified, type ClassifyRules, classifyRun } from "./classify.ts";
import type { Clock } from "./clock.ts";
import { abandonFlight, beginFlight, type DiskWork, endFlight, isClaimed } from "./disk-work.ts";
import type { Flights } from "./flights.ts";
import type { Meter } from "./meter.ts";
import type { Delivery, Outlet } from "./outlet.ts";
import { piecesOf } from "./pieces.ts";
import { messageOf, Stop } from "./stop.ts";

/** What a disk is asked about grows so much faster while it says the same of all of it. */
const ASK_GROWTH = 16;
/** Frames of zeroes that may wait for the wire: behind them the next data is read already. */
const ZEROES_WAITING = 16;

/** Carries runs from disk to wire. */
export interface Carrier {
  /** Reads in flight. */
  readonly reads: number;
  /** Begun and not landed: all but a guest's mirrored writes, which never end. */
  readonly flights: number;
  /** Bytes read or being read that have not landed, and the shortest time that a run took until it had, milliseconds. */
  readonly underWay: number;
  readonly quickestMs: number;
  /** Whether a buffer is free. */
  readonly hasBuffer: boolean;
  /** Asks the disk what a run is, and sends at most `most` bytes of it if that needs no read. Gives the bytes of stream. */
  ask(work: DiskWork, run: Run, most: number, maySkip: boolean): Promise<number>;
  /**
   * Begins to read and send a run. `hasBuffer` must hold. `onZero` is told of bytes that needed no payload, `onCompared` of those that
   * the sink may have already, so that only their hash is sent.
   */
  read(work: DiskWork, run: Run, onZero: (bytes: number) => void, onCompared: (bytes: number) => void): void;
}

export interface CarrierParts {
  readonly pool: BufferPool;
  readonly buffers: number;
  readonly outlet: Outlet;
  readonly flights: Flights;
  readonly clock: Clock;
  /** Disk bytes that were read and have landed; what the disk knew to be zero; finished reads. */
  readonly meters: { readonly data: Meter; readonly zero: Meter; readonly reading: Meter };
}

export function createCarrier({ pool, buffers, outlet, flights, clock, meters }: CarrierParts): Carrier {
  let reads = 0;
  let held = 0;
  let flying = 0;
  let zeroesWaiting = 0;
  let underWay = 0;
  let quickestMs = Infinity;

  const fly = (carry: () => Promise<void>): void => {
    flying++;
    flights.begin(() => carry().finally(() => flying--));
  };

  const readRun = async (work: DiskWork, run: Run, buffer: Uint8Array): Promise<Uint8Array> => {
    const filled = buffer.subarray(0, run.length);
    reads++;
    meters.reading.begin();
    try {
      await work.disk.device.read(run.offset, filled);
      return filled;
    } catch (cause) {
      throw new Stop("device", messageOf(cause), { cause });
    } finally {
      reads--;
      meters.reading.end(run.length);
      flights.stir(); // the next read may begin while this one is sent
    }
  };

  /** Sends a run's bytes, zeroes apart from data; settles when the wire has taken all, and gives what is to land. */
  const sendRun = async (work: DiskWork, run: Run, buffer: Uint8Array, onZero: (bytes: number) => void) => {
    const deliveries: Delivery[] = [];
    for (const piece of piecesOf(run, buffer, outlet)) {
      if (piece.zero) onZero(piece.length);
      const view = buffer.subarray(piece.offset - run.offset);
      deliveries.push(piece.zero ? outlet.zero(work, piece) : outlet.data(work, piece, view));
      work[piece.zero ? "zeroBytes" : "dataBytes"] += piece.length;
    }
    const landed = Promise.all(deliveries.map((delivery) => delivery.landed));
    landed.catch(() => {}); // `taken` rejects alike, and is awaited first
    await Promise.all(deliveries.map(({ taken }) => taken));
    return { landed };
  };

  /** Carries a run that the sink may have already. */
  const proveEqual = async (work: DiskWork, run: Run, bytes: Uint8Array | "zero"): Promise<void> => {
    if (!outlet.hash) throw new Error("claims of a sink that cannot be asked");
    const equal = await outlet.hash(work, run, bytes);
    work.claimed.clear(run.offset, run.length);
    if (!equal) {
      work.differedBytes += run.length;
      return abandonFlight(work, run);
    }
    work.verified.mark(run.offset, run.length);
    work.equalBytes += run.length;
    endFlight(work, run);
  };

  /** Settles at once, or, behind many others, when the wire has taken it; gives the bytes of stream. Its landing is a flight. */
  const carryZeroes = async (work: DiskWork, run: Run): Promise<number> => {
    const land = async (landed: Promise<void>, done: () => void): Promise<void> => {
      let settled = 0;
      meters.zero.begin();
      try {
        await landed;
        settled = run.length;
        done();
      } catch (error) {
        abandonFlight(work, run);
        throw error;
      } finally {
        meters.zero.end(settled);
      }
    };
    if (isClaimed(work, run)) {
      fly(() => land(proveEqual(work, run, "zero"), () => undefined));
      return 0;
    }
    work.verified.clear(run.offset, run.length);
    const { taken, landed, bytes } = outlet.zero(work, run);
    work.zeroBytes += run.length;
    fly(() => land(landed, () => endFlight(work, run)));
    zeroesWaiting++;
    const left = taken.catch(() => {}).finally(() => zeroesWaiting--); // what failed has failed its flight
    if (zeroesWaiting >= ZEROES_WAITING) await left;
    return bytes;
  };

  return {
    get reads() {
      return reads;
    },
    get flights() {
      return flying;
    },
    get underWay() {
      return underWay;
    },
    get quickestMs() {
      return quickestMs;
    },
    get hasBuffer() {
      return held < buffers;
    },
    async ask(work, run, most, maySkip) {
      const flight = { offset: run.offset, length: Math.min(run.length, most) };
      beginFlight(work, flight); // asking is reading: an answer from before the clear could miss a write
      const rules = { unit: outlet.unit, zeroes: outlet.zeroes, skip: maySkip };
      const { kind, length } = await classify(work, run, rules).catch((error: unknown) => {
        abandonFlight(work, flight);
        throw error;
      });
      const known = { offset: run.offset, length: kind === "data" ? 0 : Math.min(length, flight.length) };
      giveBack(work, flight, known.length);
      // It never shrinks: a disk of holes between data would be asked in small steps, and each is a frame, hole by hole.
      // Of data, too: a file looks for the end of its data each time, which for a large file takes longer than a read.
      if (length === run.length) work.askBytes = Math.min(outlet.mostAsk, work.askBytes * ASK_GROWTH);
      if (kind === "data") work.dataUntil = run.offset + length;
      if (kind === "zero") return carryZeroes(work, known);
      if (kind === "skip") skip(work, known);
      return 0;
    },
    read(work, run, onZero, onCompared) {
      beginFlight(work, run); // before the read: a write landing meanwhile marks it again
      const buffer = pool.tryTake();
      if (!buffer) throw new Error("read() without a free buffer");
      held++;
      let borrowed = true;
      const giveBuffer = (): void => {
        if (borrowed) pool.give(buffer);
        if (borrowed) held--;
        borrowed = false;
        flights.stir();
      };
      const carry = async (): Promise<void> => {
        const filled = await readRun(work, run, buffer);
        if (isClaimed(work, run)) {
          onCompared(run.length);
          return proveEqual(work, run, filled);
        }
        work.verified.clear(run.offset, run.length);
        const { landed } = await sendRun(work, run, buffer, onZero);
        giveBuffer(); // the wire has taken it; what is left is to hear that it has landed
        await landed;
        endFlight(work, run);
      };
      fly(async () => {
        let settled = 0;
        const since = clock.now();
        underWay += run.length;
        meters.data.begin();
        try {
          await carry();
          settled = run.length;
          quickestMs = Math.min(quickestMs, clock.now() - since);
        } catch (error) {
          abandonFlight(work, run);
          throw error;
        } finally {
          meters.data.end(settled);
          underWay -= run.length;
          giveBuffer();
        }
      });
    },
  };
}

async function classify(work: DiskWork, run: Run, rules: ClassifyRules): Promise<Classified> {
  try {
    return await classifyRun(work.disk.device.extents(run.offset, run.length), run, rules);
  } catch (cause) {
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
  work.verified.mark(run.offset, run.length); // it was left out on purpose
  endFlight(work, run);
}
