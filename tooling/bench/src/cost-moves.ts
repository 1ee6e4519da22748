import { type BlockDevice, type Clock, createMemoryDevice, systemClock } from "@blkmig/device";
import { createSinkSession, load } from "@blkmig/sink";
import { migrate } from "@blkmig/source";

import type { CostJob } from "./cost-job.ts";
import { type CostWires, openMemoryWires, openUnixWires } from "./cost-wires.ts";
import { KiB, MiB } from "./micro-task.ts";

/** Bytes of disk that are a block of this move, how both disks are made, and how one becomes the other. */
interface Move extends Pick<CostJob, "name" | "blocks"> {
  readonly unit: number;
  readonly openWires: () => Promise<CostWires>;
  readonly source: (size: number) => Promise<BlockDevice>;
  readonly move: (disk: BlockDevice, target: BlockDevice, wires: CostWires) => Promise<void>;
}

const [FEW, MANY, MOST] = [24, 192, 1024];
/** A session's journal that records nothing: what one costs is not for each block. */
const settles = async (): Promise<void> => {};
const journal = { begin: settles, held: settles, decide: settles, done: settles };

/** Disks in memory moved whole, both ends in one process. */
export function moveCosts(): readonly CostJob[] {
  const large = { unit: MiB, blocks: FEW, source: dense, move: bySession(MiB) };
  const small = { unit: 64 * KiB, blocks: MANY, source: dense, move: bySession(64 * KiB) };
  const holes = { ...small, unit: 128 * KiB, source: withHoles };
  const classic = { ...large, move: byClassic };
  const zeroes = { ...classic, blocks: MOST, source: empty };
  return [
    jobOf({ name: "session over memory: 1 MiB", openWires: openMemoryWires, ...large }),
    jobOf({ name: "session over memory: 64 KiB", openWires: openMemoryWires, ...small }),
    jobOf({ name: "session over memory: a hole and 64 KiB", openWires: openMemoryWires, ...holes }),
    jobOf({ name: "session over a unix socket: 1 MiB", openWires: openUnixWires, ...large }),
    jobOf({ name: "session over a unix socket: 64 KiB", openWires: openUnixWires, ...small }),
    jobOf({ name: "classic over memory: a block", openWires: openMemoryWires, ...classic }),
    jobOf({ name: "classic over memory: a zero frame", openWires: openMemoryWires, ...zeroes }),
  ];
}

function jobOf({ name, blocks, unit, openWires, source, move }: Move): CostJob {
  return {
    name,
    blocks,
    async open() {
      const wires = await openWires();
      // Each is written over and over: its pages are made in the first round, and no round after that pays for them.
      const disks = new Map<number, readonly [BlockDevice, BlockDevice]>();
      return {
        async run(times) {
          const size = times * unit;
          const pair = disks.get(size) ?? ([await source(size), createMemoryDevice({ size, fill: 0xff })] as const);
          disks.set(size, pair);
          await move(...pair, wires);
        },
        [Symbol.asyncDispose]: async () => wires[Symbol.asyncDispose](),
      };
    },
  };
}

async function dense(size: number): Promise<BlockDevice> {
  return createMemoryDevice({ size, fill: 0x5a });
}

async function empty(size: number): Promise<BlockDevice> {
  return createMemoryDevice({ size });
}

/** The first of every two pieces of 64 KiB was never written. */
async function withHoles(size: number): Promise<BlockDevice> {
  const device = createMemoryDevice({ size });
  const data = new Uint8Array(64 * KiB).fill(0x5a);
  for (let at = data.length; at < size; at += 2 * data.length) await device.write(at, [data]);
  return device;
}

function bySession(frameBytes: number): Move["move"] {
  return async (device, target, wires) => {
    const targets = { devices: [target], journal, close: settles };
    const sink = createSinkSession({ open: async () => targets, clock: steadyClock() });
    const pair = await wires.pair();
    const [here, there] = pair;
    const taken = sink.take(there).then(async () => there.finish());
    const session = { connect: async () => here, frameBytes };
    await migrate({ disks: [{ name: "vda", device }], session, clock: steadyClock() });
    await Promise.all([sink.ended, taken]);
    for (const wire of pair) wire.destroy();
  };
}

async function byClassic(device: BlockDevice, target: BlockDevice, wires: CostWires): Promise<void> {
  const pair = await wires.pair();
  const [wire, there] = pair;
  const loaded = load({ disks: [{ name: "vda", device: target }], wire: there });
  await Promise.all([migrate({ wire, disks: [{ name: "vda", device }], clock: steadyClock() }), loaded]);
  for (const each of pair) each.destroy();
}

/** It moves when it is looked at: how much a session has under way must not follow from how busy the machine is. */
function steadyClock(): Clock {
  let now = 0;
  return { now: () => (now += 0.01), sleep: async (...words) => systemClock.sleep(...words) };
}
