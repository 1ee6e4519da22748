import { Worker } from "node:worker_threads";

import type { Outcome } from "./campaign.ts";
import { Stage } from "./stage.ts";
import type { Feeding } from "./target.ts";

/** What a worker is told. */
export interface WorkerTask {
  readonly name: string;
  readonly seed: number;
  readonly inputs: number;
  /** Milliseconds; may be `Infinity`. */
  readonly forMs: number;
  readonly shared: SharedArrayBuffer;
}

/** What a worker says when it is done. */
export interface WorkerReport extends Omit<Outcome, "failure"> {
  readonly failure?: Feeding & { readonly why: string };
}

/** A worker on its way. */
export interface RunningWorker {
  readonly name: string;
  /** How many inputs were begun. */
  readonly inputs: number;
  readonly report: Promise<WorkerReport>;
}

const LOOK_MS = 5000;
/** An input that takes so long, where others take microseconds, hangs: a busy machine included. */
const HANGS_MS = 60_000;

/** Fuzzes one decoder in a thread of its own. */
export function runWorker({ name, seed, inputs, forMs }: Omit<WorkerTask, "shared">): RunningWorker {
  const stage = new Stage();
  const task: WorkerTask = { name, seed, inputs, forMs, shared: stage.shared };
  const worker = new Worker(new URL("fuzz-worker.ts", import.meta.url), { workerData: task });
  const report = new Promise<WorkerReport>((resolve, reject) => {
    const stopWatching = watch(stage, (feeding) => {
      resolve({
        ...nothing(stage.inputs),
        failure: { ...feeding, why: `hangs: no answer within ${HANGS_MS / 1000} s` },
      });
      void worker.terminate();
    });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => {
      stopWatching();
      reject(new Error(`the worker for ${name} ended with ${code} and without a word`));
    });
  });
  return {
    name,
    get inputs() {
      return stage.inputs;
    },
    report,
  };
}

function watch(stage: Stage, onHang: (feeding: Feeding) => void): () => void {
  let [inputs, since] = [-1, performance.now()];
  const timer = setInterval(() => {
    if (stage.inputs !== inputs) [inputs, since] = [stage.inputs, performance.now()];
    // At the end it collects garbage and shrinks: only an input that was begun can hang.
    else if (performance.now() - since > HANGS_MS) onHang(stage.feeding);
  }, LOOK_MS);
  return () => clearInterval(timer);
}

function nothing(inputs: number): WorkerReport {
  return { inputs, ms: 0, longest: 0, peakBytes: 0, grownBytes: 0, blocks: 0, reached: new Map() };
}
