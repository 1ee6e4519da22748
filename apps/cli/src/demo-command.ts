import type { Command } from "commander";

/** The main job, on a disk made for it. */
export function demoCommand(program: Command): void {
  program
    .command("demo")
    .summary("the main job, on a disk made for it")
    .action(() => {
      process.stderr.write("blkmig: demo is being built\n");
      process.exitCode = 2;
    });
}
