// Fuzzes the decoders: `pnpm fuzz --help`.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { failureOf } from "./campaign.ts";
import { readBadInput, writeBadInput } from "./corpus.ts";
import { type FuzzOptions, HELP, parseFuzzOptions } from "./fuzz-options.ts";
import { type RunningWorker, runWorker } from "./run-worker.ts";
import { missedBy, type Row, tableOf } from "./table.ts";
import { targetOf } from "./targets.ts";
import { Trace } from "./trace.ts";

const FOUND = fileURLToPath(new URL("../temp", import.meta.url));
const PROGRESS_MS = 10_000;

const options = parseFuzzOptions(process.argv.slice(2));
if (options.help) process.stdout.write(HELP);
else if (options.replay !== undefined) await replay(options.replay);
else await fuzz(options);

async function fuzz({ decoders, jobs, json, ...limits }: FuzzOptions): Promise<void> {
  const rows: Row[] = [];
  const left = [...decoders];
  const running = new Set<RunningWorker>();
  const timer = setInterval(
    () => tell([...running].map(({ name, inputs }) => `${name} ${inputs}`).join(", ")),
    PROGRESS_MS,
  );
  const work = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const worker = runWorker({ name, ...limits });
      running.add(worker);
      const row = { name, report: await worker.report };
      running.delete(worker);
      rows.push(row);
      tellOf(row);
      // After each, since all of them may take hours.
      if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, mapAsObject, 2)}\n`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  clearInterval(timer);
  process.stdout.write(`\n${tableOf(rows)}`);
}

function tellOf(row: Row): void {
  const { name, report } = row;
  tell(`${name}: ${report.inputs} inputs in ${Math.round(report.ms / 1000)} s`);
  const missed = missedBy(row);
  if (missed.length > 0) tell(`${name}: never reached ${missed.join(", ")}`);
  if (!report.failure) return;
  const path = writeBadInput(FOUND, { ...report.failure, target: name });
  tell(`${name} FAILED: ${report.failure.why}\nreplay it: pnpm fuzz --replay ${path}`);
  process.exitCode = 1;
}

async function replay(path: string): Promise<void> {
  const input = readBadInput(path);
  const trace = new Trace();
  const failure = await failureOf(targetOf(input.target), input, trace, true);
  tell([...trace.reached].map(([what, times]) => `${what} ${times}`).join(", "));
  if (!failure) return tell("it is answered as it should be");
  process.exitCode = 1;
  process.stderr.write("it fails:\n");
  throw failure.error;
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

function mapAsObject(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return value instanceof Map ? Object.fromEntries(value) : value;
}
