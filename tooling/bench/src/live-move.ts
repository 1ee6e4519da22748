import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { BLKMIG } from "./blkmig.ts";
import { type LiveCompleted, untilEvent, watchForPause } from "./live-events.ts";
import { startWriter } from "./live-writer.ts";
import { type MeasuredRun, measureRun, type Told } from "./measured-run.ts";
import type { ProcessOfRun } from "./process-of-run.ts";
import type { Sample } from "./results.ts";
import { monotonicMs } from "./writer-words.ts";

/** The exit code of a `send` that was interrupted in time. */
const CANCELLED = 130;
/** Two seconds in which nothing moves, behind one for the writer and the server to get going. */
const [WARM_UP_MS, IDLE_MS] = [1000, 2000];

export interface LiveMove {
  /** For sockets, records and the target; a new one is made in it, and removed. */
  readonly folder: string;
  /** A file: what is moved. It is written meanwhile, and stays. */
  readonly disk: string;
  readonly bytes: number;
  /** Of the writer; 0: nobody writes. */
  readonly bytesPerSecond: number;
  /** More words for `blkmig serve`, and for `blkmig send`. */
  readonly serve: readonly string[];
  readonly send: readonly string[];
  /** A move that takes longer is cancelled: writes that come faster than they are sent again let none end. Milliseconds. */
  readonly patienceMs: number;
}

/**
 * Moves a disk under somebody who writes it. Throws for wrong bytes where it is served then, and for an error that the writer saw.
 * What was cancelled has `extra.moved` 0, no downtime, and the patience as its time.
 */
export async function measureLiveMove(options: LiveMove): Promise<Sample> {
  const stage = join(options.folder, "live-move");
  mkdirSync(stage);
  try {
    const sample = await measureRun(async (run) => moveLive(run, stage, options));
    // CPU seconds would be those of the writer, and of the time before the move, too.
    const { cpuSeconds: _, ...told } = sample;
    return told;
  } finally {
    rmSync(stage, { recursive: true });
  }
}

async function moveLive(run: MeasuredRun, stage: string, options: LiveMove): Promise<Told> {
  const { disk, bytes, bytesPerSecond, send, patienceMs } = options;
  const control = join(stage, "control");
  const { url, server, receiver } = await startServers(run, { ...options, stage, control });
  const writer = await startWriter(run, { url, original: disk, bytesPerSecond, warmUpMs: WARM_UP_MS, idleMs: IDLE_MS });
  await writer.ready();

  const began = monotonicMs();
  const words = ["send", receiver, "--from", control, "--no-verify", "--json", ...send];
  const { completed, paused } = await run.timed(async () => {
    const sender = await run.start("sender", process.execPath, [BLKMIG, ...words]);
    return endOf(sender, patienceMs);
  });
  const figures = await writer.finish({ began, paused });
  // Before the new one: an old server whose link is gone waits for it.
  server.process.kill("SIGTERM");
  await server.succeeded();
  const told = { ...figures, bulkMs: paused - began, moved: completed ? 1 : 0 };
  if (!completed) return { extra: told };
  const { transferred, downtime } = completed;
  return { wireBytes: transferred, extra: { ...told, resentBytes: transferred - bytes, downtimeMs: downtime } };
}

/** How a move ended, and when it paused the guest, or was cancelled. */
async function endOf(sender: ProcessOfRun, patienceMs: number) {
  const pausedAt = watchForPause(sender);
  let cancelled: number | undefined;
  const impatience = setTimeout(() => {
    cancelled = monotonicMs();
    sender.process.kill("SIGINT");
  }, patienceMs);
  await sender.ended;
  clearTimeout(impatience);
  if (cancelled && sender.process.exitCode === CANCELLED) return { completed: undefined, paused: cancelled };
  await sender.succeeded();
  const completed = (await untilEvent(sender, ({ event }) => event === "completed")) as LiveCompleted;
  if (completed.after !== "forward") throw new Error(`the writer was not passed on: ${completed.after}`);
  return { completed, paused: pausedAt() };
}

interface Servers extends LiveMove {
  readonly stage: string;
  readonly control: string;
}

/** The disk's owner, and who is to be it. Records are in the stage, or the disk would be marked as moved for the next move. */
async function startServers(run: MeasuredRun, { stage, disk, bytes, control, serve }: Servers) {
  const target = join(stage, "target.img");
  writeFileSync(target, "");
  truncateSync(target, bytes);
  const blkmig = async (side: "sender" | "receiver", words: readonly string[]): Promise<ProcessOfRun> => {
    const records = ["--state-dir", join(stage, `${side}-records`), "--json"];
    return run.start(side, process.execPath, [BLKMIG, ...words, ...records]);
  };
  const url = `nbd+unix:///?socket=${join(stage, "old.nbd")}`;
  const then = `nbd+unix:///?socket=${join(stage, "new.nbd")}`;
  const words = ["serve", "--disk", `vda=${disk}`, "--nbd", url, "--control", control, ...serve];
  const server = await blkmig("sender", words);
  const receiver = await blkmig("receiver", ["receive", "tcp://127.0.0.1:0", "--disk", `vda=${target}`, "--nbd", then]);
  await untilEvent(server, ({ event }) => event === "serving");
  return { url, server, receiver: (await untilEvent(receiver, ({ event }) => event === "listening")).url! };
}
