import { setTimeout as wait } from "node:timers/promises";

import { readRecord } from "@blkmig/journal";
import { connectQmp, QemuError, type QmpAddress } from "@blkmig/qemu";

import { messageOf } from "../command-error.ts";
import { runWaiting } from "./move-machine.ts";
import { describeRecovered, recoverQemu } from "./recover-qemu.ts";
import type { WatchdogOrders } from "./watchdog.ts";

const FIRST_WAIT_MS = 100;
const MOST_WAIT_MS = 15_000;
/** A socket that nobody has opened again for so long was that of a QEMU that has ended, and what was in it with it. */
const ENDED_MS = 20_000;
/** A monitor that answers in no such time is tried again. */
const ANSWER_MS = 10_000;

/** Does what the next run would do about what a process that was killed has left in a QEMU, as soon as it can be asked. */
export async function watchQemu(orders: WatchdogOrders, tell: (sentence: string) => void): Promise<void> {
  const began = performance.now();
  for (let ms = FIRST_WAIT_MS; ; ms = Math.min(ms * 2, MOST_WAIT_MS)) {
    try {
      for (const sentence of await recover(orders)) tell(sentence);
      return;
    } catch (error) {
      const patience = nobodyListens(error) ? Math.min(ENDED_MS, orders.patience) : orders.patience;
      if (performance.now() - began + ms < patience && mayPass(error)) await wait(ms);
      else return tell(`migration ${orders.migration} could not be ended: ${messageOf(error)}`);
    }
  }
}

async function recover({ monitor, migration, records, pid, destination }: WatchdogOrders): Promise<readonly string[]> {
  const qmp = await connectQmp(monitor, { timeoutMs: ANSWER_MS });
  try {
    const known = await Promise.all(records.map((path) => readRecord(path)));
    const recovered = await recoverQemu(qmp, { records: known, migration });
    const alive = recovered.find((one) => one.how === "under-way");
    if (alive?.pid === pid) throw new QemuError("busy", qmp.url, "its process is not buried yet");
    if (alive) return []; // another has taken it up
    const hasMoved = recovered.some(({ how }) => how === "moved");
    const there = destination && hasMoved ? [await runThere(destination)] : [];
    return [...recovered.map((one) => describeRecovered(qmp.url, one)), ...there];
  } finally {
    qmp.close();
  }
}

/** The machine that has moved waits for somebody to let it run, and that one was killed. */
async function runThere(destination: QmpAddress): Promise<string> {
  const qmp = await connectQmp(destination, { timeoutMs: ANSWER_MS });
  try {
    await runWaiting(qmp);
    return `${qmp.url}: the machine that has moved runs there`;
  } finally {
    qmp.close();
  }
}

/** Behind `tcp:` may be a tunnel, which comes and goes. */
function nobodyListens(error: unknown): boolean {
  if (!(error instanceof QemuError) || error.code !== "gone" || !error.url.startsWith("unix:")) return false;
  const { cause } = error;
  return cause instanceof Error && "code" in cause && (cause.code === "ECONNREFUSED" || cause.code === "ENOENT");
}

/** Whatever a monitor says that another moment may change. */
function mayPass(error: unknown): boolean {
  return error instanceof QemuError && ["busy", "gone", "timeout", "no-qmp", "migration"].includes(error.code);
}
