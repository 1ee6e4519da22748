import { createBufferPool } from "@blkmig/device/memory";
import { BLOCK_SIZE, type ClassicFrame, encodeShut } from "@blkmig/protocol";

import { type Applier, createApplier } from "./apply.ts";
import type { LoadOptions, LoadProgress, SinkDisk, SinkWire } from "./load-options.ts";
import { missingOf, progressOf } from "./load-progress.ts";
import { loadErrorOf, Refusal } from "./refusal.ts";
import { createTarget, type Target } from "./target.ts";
import { createWorkInHand } from "./work-in-hand.ts";

const DEFAULT_BUFFERED_BYTES = 32 * 1024 * 1024;
/** Writes and zeroes begun and not settled. */
const MAX_WORK = 128;

/** What every kind of stream needs: targets, the work in hand, and the proof. It knows no decoder. */
export interface Loading {
  /** Reads from the wire, unless work in hand fails first: then the buffer still belongs to the wire, and the load is over. */
  read(into: Uint8Array): Promise<number>;
  /** Puts a frame on its disk; gives a promise where the wire must wait before the next one. Throws `Refusal`. */
  apply(frame: ClassicFrame): Promise<void> | undefined;
  /** Throws what has failed meanwhile. */
  check(): void;
  /** Waits until all that has come has landed; throws what failed. */
  settle(): Promise<void>;
  /** Whether the last two frames were those that end a bare stream. */
  readonly ended: boolean;
  readonly transferred: number;
  /** What has not landed, as the end of a sentence; empty if all has. */
  missing(): string;
  /** The proof: everything covered (unless `incremental`), everything durable. Throws `Refusal` `incomplete` with `why`. */
  prove(why: string): Promise<void>;
  progress(): LoadProgress;
  /** Runs the load; whatever it throws becomes a `LoadError` when nothing is being written any more. */
  run(load: () => Promise<void>, onFailure: () => Promise<void>): Promise<void>;
}

export interface LoadingOptions extends Omit<LoadOptions, "generation"> {
  /** Whether a disk without a name is the only target there is. Default false: it is refused. */
  readonly nameless?: boolean;
}

/** `land`: where the payload that was just announced shall go. Throws `TypeError` for a name twice. */
export function createLoading(options: LoadingOptions, land: (buffer: Uint8Array) => void): Loading {
  assertNamesDiffer(options.disks);
  const { wire, signal, onEvent } = options;
  const targets = new Map<string, Target>();
  const work = createWorkInHand(MAX_WORK);
  const buffers = Math.max(1, Math.floor((options.limits?.bufferedBytes ?? DEFAULT_BUFFERED_BYTES) / BLOCK_SIZE));
  const pool = createBufferPool({ bytes: BLOCK_SIZE, count: buffers });
  const applier: Applier = createApplier({ targets, pool, work, land, nameless: options.nameless ?? false });
  let transferred = 0;
  let recognised = false;
  let untold = false; // something has come since a section was told of

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
  const missing = (): string => missingOf([...targets.values()]);

  const read = async (into: Uint8Array): Promise<number> => {
    try {
      const bytes = await new Promise<number>((resolve, reject) => {
        work.onFailure(reject);
        wire.read(into).then(resolve, reject);
      });
      transferred += bytes;
      return bytes;
    } finally {
      work.onFailure(undefined);
    }
  };

  const settle = async (): Promise<void> => {
    await work.allSettled();
    work.check();
  };

  const onAbort = (): void => work.fail(new Refusal("cancelled", "cancelled"));

  return {
    read,
    apply(frame) {
      recognised = true;
      const wait = applier.apply(frame);
      tell(frame);
      return wait;
    },
    check: () => work.check(),
    settle,
    get ended() {
      return applier.ended;
    },
    get transferred() {
      return transferred;
    },
    missing,
    async prove(why) {
      await settle();
      if (!options.incremental && missing() !== "") throw new Refusal("incomplete", `${why}${missing()}`);
      onEvent?.({ type: "flushing", progress: progress() });
      await Promise.all([...targets.values()].map(({ device }) => device.flush()));
      work.check(); // cancelled while it flushed
    },
    progress,
    async run(load, onFailure) {
      signal?.addEventListener("abort", onAbort);
      try {
        if (signal?.aborted) onAbort();
        for (const disk of options.disks) addTarget(targets, disk);
        await load();
      } catch (error) {
        await work.allSettled(); // nothing may be written any more when the caller hears of it
        const failure = loadErrorOf(error, { touched: applier.touched, recognised });
        if (recognised) await onFailure();
        throw failure;
      } finally {
        signal?.removeEventListener("abort", onAbort);
      }
    },
  };
}

function assertNamesDiffer(disks: readonly SinkDisk[]): void {
  const names = new Set(disks.map(({ name }) => name));
  if (names.size < disks.length) throw new TypeError("two targets have the same name");
}

function addTarget(targets: Map<string, Target>, disk: SinkDisk): void {
  const { name, device } = disk;
  if (device.readOnly)
    throw new Refusal("read-only", `disk '${name}': the target is read-only: make it writable, or choose another`);
  targets.set(name, createTarget(disk));
}

/** Tells the sender, where it can be told; whether it was. */
export async function answer(wire: SinkWire, value: number): Promise<boolean> {
  try {
    await wire.send?.(encodeShut(value));
    return wire.send !== undefined;
  } catch {
    return false; // the sender has gone; `answered` says so
  }
}
