import { Bench } from "tinybench";

import { bitmapTasks } from "./micro-bitmap.ts";
import { classicTasks } from "./micro-classic.ts";
import { nbdTasks } from "./micro-nbd.ts";
import { sessionTasks } from "./micro-session.ts";
import type { MicroTask } from "./micro-task.ts";
import { zeroTasks } from "./micro-zero.ts";

/** How long each task is repeated, behind a fourth of that for warming up. */
const TIME_MS = 400;

export interface MicroFigure {
  readonly name: string;
  readonly perSecond: number;
  /** Of one; the median. */
  readonly nanoseconds: number;
  /** Bytes of disk that one is about. */
  readonly bytes?: number;
}

/** What the parts cost by themselves: codecs, zero test, dirty bitmap, NBD requests. Throws if one of them fails. */
export async function measureMicro(): Promise<readonly MicroFigure[]> {
  await using nbd = await nbdTasks();
  const tasks = [...classicTasks(), ...sessionTasks(), ...zeroTasks(), ...bitmapTasks(), ...nbd.tasks];
  const bench = new Bench({ time: TIME_MS, warmupTime: TIME_MS / 4, throws: true });
  for (const task of tasks) bench.add(task.name, () => task.run());
  await bench.run();
  return tasks.map((task) => figureOf(task, bench));
}

function figureOf({ name, bytes, times }: MicroTask, bench: Bench): MicroFigure {
  const result = bench.getTask(name)?.result;
  if (result?.state !== "completed") throw new Error(`'${name}' was not measured: ${result?.state}`);
  const nanoseconds = (result.latency.p50 * 1e6) / times;
  return { name, perSecond: 1e9 / nanoseconds, nanoseconds, ...(bytes !== undefined && { bytes }) };
}
