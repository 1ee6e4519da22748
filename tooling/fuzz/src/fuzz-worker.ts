import { parentPort, workerData } from "node:worker_threads";

import { startBlockCoverage } from "./block-coverage.ts";
import { failureOf, runCampaign } from "./campaign.ts";
import type { WorkerReport, WorkerTask } from "./run-worker.ts";
import { shrink } from "./shrink.ts";
import { Stage } from "./stage.ts";
import { targetOf } from "./targets.ts";
import { Trace } from "./trace.ts";

const { name, seed, inputs, forMs, shared } = workerData as WorkerTask;
const target = targetOf(name);
const stage = new Stage(shared);
const coverage = startBlockCoverage();

// A stack for each of millions of refusals would be most of the work.
Error.stackTraceLimit = 0;
const { failure, ...outcome } = await runCampaign({
  target,
  seed,
  inputs,
  until: performance.now() + forMs,
  coverage,
  onInput: (feeding) => stage.show(feeding),
});
coverage.end();
Error.stackTraceLimit = 20;

const trace = new Trace();
const bytes =
  failure &&
  (await shrink(failure.bytes, async (shorter) => {
    const again = await failureOf(target, { ...failure, bytes: shorter }, trace, true);
    return again !== undefined && kindOf(again.error) === kindOf(failure.error);
  }));
const again = failure && bytes && (await failureOf(target, { ...failure, bytes }, trace, true));
const report: WorkerReport = {
  ...outcome,
  ...(failure && bytes
    ? { failure: { seed: failure.seed, variant: failure.variant, bytes, why: whyOf(again?.error ?? failure.error) } }
    : {}),
};
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- this is a thread, and no window
parentPort?.postMessage(report);

/** The sentence without its numbers: a smaller input may fail at another byte. */
function kindOf(error: unknown): string {
  return String(error).replaceAll(/\d+/gu, "0");
}

function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return [error.stack ?? error.message, ...(error.cause === undefined ? [] : [whyOf(error.cause)])].join("\n");
}
