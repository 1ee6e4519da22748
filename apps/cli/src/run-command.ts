import { endingOf } from "./exit-code.ts";
import { SIGNALS, withInterruption } from "./interruption.ts";
import { createOutput, type Output } from "./output/output.ts";

export interface CommandFrame {
  /** Whether events are printed for scripts. */
  readonly json: boolean;
  /** Whether standard output is the wire, so that nothing else may be printed there. */
  readonly stdoutIsWire?: boolean;
}

/** What a command is given. */
export interface CommandWorld {
  readonly output: Output;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Runs one command: whatever it throws becomes one sentence, one event and the exit code. */
export async function runCommand(frame: CommandFrame, run: (world: CommandWorld) => Promise<number>): Promise<void> {
  const output = createOutput(frame);
  process.exitCode = await withInterruption(async (signal) => {
    try {
      return await run({ output, signal });
    } catch (error) {
      const ending = endingOf(error);
      output.ended(ending);
      if (process.env["BLKMIG_DEBUG"] === "1") output.debug(error);
      return ending.exitCode;
    }
  });
  // What is done is done: a signal that comes now, as a service manager's may, changes nothing of how it ended.
  for (const name of SIGNALS) process.on(name, () => {});
  await output.flush();
}
