import { writeFileSync } from "node:fs";
import { resolve } from "node:path";

import { drawSchedule, type Schedule } from "./dangers.ts";
import { replayLine, runSchedule, sentenceOf } from "./run-schedule.ts";
import { HELP, parseSoakOptions, type SoakOptions, UsageError } from "./soak-options.ts";
import { createTally, summaryText } from "./soak-tally.ts";

const TELL_EVERY_MS = 10_000;

async function soak(options: SoakOptions): Promise<void> {
  const { seed: first, dangers, simulation } = options;
  const tally = createTally();
  const began = performance.now();
  const seconds = (): number => Math.round((performance.now() - began) / 1000);
  let told = began;
  let running: { readonly seed: number; readonly schedule: Schedule } | undefined;

  const report = (seed: number, schedule: Schedule, violations: readonly string[]): void => {
    process.exitCode = 1;
    for (const violation of violations) console.error(`broken after ${tally.schedules} schedules: ${violation}`);
    console.error(replayLine(seed, schedule));
  };
  // What nobody waits for is nobody's to catch: it belongs to the schedule that is running.
  process.on("unhandledRejection", (reason) => {
    if (running) report(running.seed, running.schedule, [`nobody caught: ${sentenceOf(reason)}`]);
  });

  for (let seed = first; seed < first + options.schedules && performance.now() - began < options.forMs; seed++) {
    const schedule: Schedule =
      dangers === undefined ? drawSchedule(seed, simulation) : { simulation: simulation ?? "session", dangers };
    running = { seed, schedule };
    const ran = await runSchedule(seed, schedule);
    tally.add(schedule.simulation, ran);
    if (ran.violations.length > 0) report(seed, schedule, ran.violations);
    if (process.exitCode === 1 && !options.keepGoing) break;
    if (performance.now() - told < TELL_EVERY_MS) continue;
    told = performance.now();
    console.log(tally.line(seconds()));
  }
  running = undefined;
  const summary = tally.summary(seconds());
  console.log(summaryText(summary));
  // From where the caller is: pnpm has gone to this package.
  if (options.json !== undefined)
    writeFileSync(
      resolve(process.env["INIT_CWD"] ?? ".", options.json),
      `${JSON.stringify({ first, ...summary }, null, 2)}\n`,
    );
}

try {
  const options = parseSoakOptions(process.argv.slice(2));
  if (options.help) console.log(HELP);
  else await soak(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${HELP}`);
  process.exitCode = 2;
}
