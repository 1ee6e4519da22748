import { createBufferPool } from "@blkmig/device";
import { BLOCK_SIZE, type ClassicFrame, createClassicDecoder, encodeShut } from "@blkmig/protocol";

import { createApplier } from "./apply.ts";
import type { LoadOptions, LoadProgress, LoadResult, SinkDisk, SinkWire } from "./load-options.ts";
import { loadErrorOf, Refusal } from "./refusal.ts";
import { createTarget, missingBlocks, type Target } from "./target.ts";
import { createWorkInHand, type WorkInHand } from "./work-in-hand.ts";

const DEFAULT_BUFFERED_BYTES = 64 * 1024 * 1024;
/** Writes and zeroes begun and not settled. */
const MAX_WORK = 128;

/**
 * Loads a classic stream into disks, to its end. Settles when every block of every disk is there and on stable storage,
 * and the sender has been told (SHUT 0). Throws `LoadError` otherwise: then nothing is being written any more, and the
 * sender has been told that too (SHUT 1). The wire and the disks stay the caller's, to close.
 */
export async function load(options: LoadOptions): Promise<LoadResult> {
  assertNamesDiffer(options.disks);
  const { wire, signal, onEvent } = options;
  const targets = new Map<string, Target>();
  const work = createWorkInHand(MAX_WORK);
  const buffers = Math.max(1, Math.floor((options.limits?.bufferedBytes ?? DEFAULT_BUFFERED_BYTES) / BLOCK_SIZE));
  const pool = createBufferPool({ bytes: BLOCK_SIZE, count: buffers });
  const decoder = createClassicDecoder({ generation: options.generation ?? "1.1" });
  const applier = createApplier({ targets, pool, work, land: (buffer) => decoder.land(buffer) });
  let transferred = 0;
  let recognised = false;
  let untold = false; // something has come since a section was told of

  const receive = async (): Promise<void> => {
    for (;;) {
      const bytes = await readOrFail(wire, decoder.want(), work);
      if (bytes === 0) return endOfStream();
      transferred += bytes;
      decoder.accept(bytes);
      for (let frame = decoder.next(); frame; frame = decoder.next()) {
        recognised = true;
        const wait = applier.apply(frame);
        if (wait) await wait;
        work.check();
        tell(frame);
      }
    }
  };

  const endOfStream = (): void => {
    try {
      decoder.end();
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new Refusal("incomplete", `${message}${missing(targets)}`, { cause });
    }
  };

  /** Empty sections come by the thousand, and are nothing to tell. */
  const tell = (frame: ClassicFrame): void => {
    if (!onEvent) return;
    if (frame.type === "block" || frame.type === "zero") untold = true;
    if (frame.type === "progress") onEvent({ type: "progress", percent: frame.percent, progress: progress() });
    if (frame.type !== "eos" || !untold) return;
    untold = false;
    onEvent({ type: "section", progress: progress() });
  };

  const progress = (): LoadProgress => progressOf([...targets.values()], transferred);

  /** The proof: everything covered, everything durable. Only then may the sender let go. */
  const prove = async (): Promise<void> => {
    await work.allSettled();
    work.check();
    if (!applier.ended) throw new Refusal("incomplete", `${cutShort(transferred)}${missing(targets)}`);
    if (!options.incremental && missing(targets)) {
      throw new Refusal("incomplete", `the stream says that it is complete, but it is not${missing(targets)}`);
    }
    onEvent?.({ type: "flushing", progress: progress() });
    await Promise.all([...targets.values()].map(({ device }) => device.flush()));
    work.check(); // cancelled while it flushed
  };

  const onAbort = (): void => work.fail(new Refusal("cancelled", "cancelled"));
  signal?.addEventListener("abort", onAbort);
  try {
    if (signal?.aborted) onAbort();
    for (const disk of options.disks) addTarget(targets, disk);
    await receive();
    await prove();
  } catch (error) {
    await work.allSettled(); // nothing may be written any more when the caller hears of it
    const failure = loadErrorOf(error, { touched: applier.touched, recognised });
    if (recognised) await answer(wire, 1);
    throw failure;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
  return { ...progress(), answered: await answer(wire, 0) };
}

function assertNamesDiffer(disks: readonly SinkDisk[]): void {
  const names = new Set(disks.map(({ name }) => name));
  if (names.size < disks.length) throw new TypeError("two targets have the same name");
}

function addTarget(targets: Map<string, Target>, disk: SinkDisk): void {
  const { name, device } = disk;
  if (device.readOnly) throw new Refusal("read-only", `disk '${name}': the target is read-only`);
  targets.set(name, createTarget(disk));
}

/** Reads, unless work in hand fails first. The buffer then still belongs to the wire: the load is over. */
async function readOrFail(wire: SinkWire, into: Uint8Array, work: WorkInHand): Promise<number> {
  try {
    return await new Promise<number>((resolve, reject) => {
      work.onFailure(reject);
      wire.read(into).then(resolve, reject);
    });
  } finally {
    work.onFailure(undefined);
  }
}

/** Tells the sender, where it can be told. */
async function answer(wire: SinkWire, value: number): Promise<boolean> {
  try {
    await wire.send?.(encodeShut(value));
    return wire.send !== undefined;
  } catch {
    return false; // the sender has gone; `answered` says so
  }
}

function progressOf(targets: readonly Target[], transferred: number): LoadProgress {
  const disks = targets.map(({ name, device, covered, dataBytes, zeroBytes }) => ({
    name,
    size: device.size,
    covered: covered.bytes,
    dataBytes,
    zeroBytes,
  }));
  const total = disks.reduce((sum, { size }) => sum + size, 0);
  const covered = disks.reduce((sum, disk) => sum + disk.covered, 0);
  return { transferred, total, covered, disks };
}

const cutShort = (bytes: number): string =>
  bytes === 0 ? "the stream is empty" : `the stream ended after ${bytes} bytes, before its last frames`;

function missing(targets: ReadonlyMap<string, Target>): string {
  const lacking = [...targets.values()].map(missingBlocks).filter((each) => each !== undefined);
  return lacking.length === 0 ? "" : `; missing: ${lacking.join(", ")}`;
}
