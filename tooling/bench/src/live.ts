import { rmSync, statfsSync } from "node:fs";
import { join } from "node:path";

import { type LiveMove, measureLiveMove } from "./live-move.ts";
import { makeDisk } from "./make-disk.ts";
import type { Sample, Series } from "./results.ts";

const MiB = 1024 * 1024;
const DISK_MiB = 2048;
/** Megabytes that a writer writes in a second, 4 KiB at a time; 0 first, since the others are compared with it. */
const RATES = [0, 5, 20, 50] as const;
/** Writes of 4 KiB at random make 64 KiB dirty each by default, which is too much for the faster writers. */
const VARIANTS = [
  { program: "blkmig", serve: [], send: [] },
  {
    program: "blkmig, 4K granules, limit 50 ms",
    serve: ["--granularity", "4K"],
    send: ["--downtime-limit", "50ms"],
  },
] as const;
/** For a whole disk; and at least for one that is small, whose time is mostly other things. */
const [PATIENCE_MS, LEAST_PATIENCE_MS] = [30_000, 15_000];
/** Linux's magic number of a tmpfs. */
const TMPFS = 0x01021994;

export interface LiveOptions {
  /** An empty folder: where the disk and its copies are. */
  readonly folder: string;
  readonly rounds: number;
  /** 1: a disk of 2 GiB. */
  readonly scale: number;
}

/**
 * Moves a disk of random bytes from one server to another under somebody who writes it at 0, 5, 20 and 50 MB/s: in each round once
 * at each rate and with each program, behind one move that does not count. `extra` has `moved` (0: it found no end, and was
 * cancelled), `bulkMs`, `resentBytes`, `downtimeMs`, the `WriterFigures`, and `totalRatio`: the time by that of the same round's move
 * without a writer.
 */
export async function measureLive({ folder, rounds, scale }: LiveOptions): Promise<readonly Series[]> {
  const place = statfsSync(folder).type === TMPFS ? "tmpfs" : "disk";
  const bytes = Math.max(1, Math.round(DISK_MiB * scale)) * MiB;
  const disk = makeDisk(join(folder, "live.img"), bytes);
  const patienceMs = Math.max(LEAST_PATIENCE_MS, PATIENCE_MS * scale);
  const series = VARIANTS.flatMap((variant) =>
    RATES.map((rate) => ({
      told: { job: `live ${rate} MB/s`, place, program: variant.program, samples: [] as Sample[] },
      move: { folder, disk, bytes, bytesPerSecond: rate * 1e6, patienceMs, ...variant } satisfies LiveMove,
    })),
  );
  try {
    await measureLiveMove(series[0]!.move);
    for (let round = 0; round < rounds; round++) {
      let idleSeconds = Number.NaN;
      for (const { move, told } of series) {
        const sample = await measureLiveMove(move);
        if (move.bytesPerSecond === 0) idleSeconds = sample.seconds;
        told.samples.push({ ...sample, extra: { ...sample.extra, totalRatio: sample.seconds / idleSeconds } });
      }
    }
  } finally {
    rmSync(disk);
  }
  return series.map(({ told }) => told);
}
