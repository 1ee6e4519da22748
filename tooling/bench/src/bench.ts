// Copies side by side: `pnpm bench`, whose options `--help` tells. It installs nothing, and uses what is there.
import { addResults } from "./added-results.ts";
import { HELP, parseBenchOptions, UsageError } from "./bench-options.ts";
import { documentOf } from "./document.ts";
import { runBench } from "./run-bench.ts";
import { readResults, writeResults } from "./written-results.ts";

const INTERRUPTED = 130;
// What must be tidied up waits for the exit.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(INTERRUPTED));

try {
  process.exitCode = await bench(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 2;
}

async function bench(words: readonly string[]): Promise<number> {
  const options = parseBenchOptions(words);
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (options.render) {
    writeResults(options.docs, readResults(options.docs));
    return 0;
  }
  const earlier = options.add ? readResults(options.docs) : undefined;
  const { results, failures } = await runBench(options, ["pnpm bench", ...words].join(" "), (sofar) => {
    if (options.write) writeResults(options.docs, earlier ? addResults(earlier, sofar) : sofar);
  });
  if (!options.write) process.stdout.write(`${documentOf(results)}\n`);
  return failures.length === 0 ? 0 : 1;
}
