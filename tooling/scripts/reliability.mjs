// Real processes, really killed, over real and bad networks, as often as is asked for: `pnpm reliability --help`.
// The suites are those of every `pnpm test`, at another length; nothing is tried twice.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HELP = `pnpm reliability [options]

  --kills <n>     runs in which something is killed, a third of them of disks in use (default 200)
  --networks <n>  runs over a bad network (default 60)
  --seed <n>      number of the first run of each kind (default 0)

Ends with a table in Markdown, and with 1 if anything was wrong. The table goes to standard output, all else to standard error.`;

const cli = fileURLToPath(new URL("../../apps/cli", import.meta.url));
/** Where vitest puts it, by its configuration. */
const report = join(cli, ".test-results.json");

function optionsOf(args) {
  const text = { type: "string" };
  const { values } = parseArgs({
    args,
    options: { kills: text, networks: text, seed: text, help: { type: "boolean" } },
  });
  const count = (name, otherwise) => {
    const value = Number(values[name] ?? otherwise);
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} ${value}: not a count`);
    return value;
  };
  return {
    help: values.help,
    kills: count("kills", 200),
    networks: count("networks", 60),
    seed: count("seed", 0),
  };
}

function suitesOf({ kills, networks }) {
  const live = Math.floor(kills / 3);
  return [
    { what: "sender or receiver killed", file: "session-kills", count: "BLKMIG_KILLS", runs: kills - live },
    { what: "disks in use, anybody killed or cut", file: "live-kills", count: "BLKMIG_KILLS", runs: live },
    { what: "bad networks", file: "session-networks", count: "BLKMIG_NETWORKS", runs: networks },
  ].filter(({ runs }) => runs > 0);
}

function run({ file, count, runs }, seed) {
  const vitest = join(cli, "node_modules/vitest/vitest.mjs");
  const env = { ...process.env, NO_COLOR: "1", BLKMIG_SEED: String(seed), [count]: String(runs) };
  rmSync(report, { force: true });
  const began = performance.now();
  spawnSync(process.execPath, [vitest, "run", `src/${file}.test.ts`, "--retry=0"], {
    cwd: cli,
    env,
    stdio: ["ignore", 2, 2],
  });
  const minutes = (performance.now() - began) / 60_000;
  if (!existsSync(report)) return { tests: [], minutes }; // it broke off: of no run it is known how it ended
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  return { tests: testResults.flatMap(({ assertionResults }) => assertionResults), minutes };
}

/** "12 moved, 3 kept" */
function counted(words) {
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} ${word}`).join(", ") || "none";
}

const isRun = ({ title }) => /^(kill|life|network) \d+: /.test(title);

function judge(suite, seed, { tests, minutes }) {
  const runs = tests.filter(isRun);
  const wrongs = tests
    .filter(({ status }) => status !== "passed")
    .map(({ title, failureMessages }) => {
      const [, kind, number] = /^(\w+) (\d+): /.exec(title) ?? [];
      const replay = kind
        ? `BLKMIG_SEED=${number} ${suite.count}=1 pnpm --filter blkmig exec vitest run src/${suite.file}.test.ts -t "${kind} ${number}:"`
        : `BLKMIG_SEED=${seed} ${suite.count}=${suite.runs} pnpm --filter blkmig exec vitest run src/${suite.file}.test.ts`;
      return { title, why: failureMessages[0] ?? "it did not run", replay };
    });
  if (runs.length !== suite.runs) {
    const replay = `pnpm --filter blkmig exec vitest run src/${suite.file}.test.ts`;
    wrongs.push({ title: suite.what, why: `of ${suite.runs} runs ${runs.length} are in the report`, replay });
  }
  const struck = runs.filter(({ meta }) => meta.struck?.length > 0);
  const strikes = counted(struck.flatMap(({ meta }) => meta.struck));
  const ended = counted(runs.filter(({ meta }) => meta.ended).map(({ meta }) => meta.ended));
  const row = [suite.what, runs.length, struck.length, strikes, ended, wrongs.length || "nothing", minutes.toFixed(1)];
  return { row, wrongs };
}

const options = optionsOf(process.argv.slice(2));
if (options.help) {
  console.log(HELP);
} else {
  const judged = suitesOf(options).map((suite) => judge(suite, options.seed, run(suite, options.seed)));
  const head = ["what", "runs", "really struck", "by", "ended", "wrong", "minutes"];
  for (const cells of [head, head.map(() => "---"), ...judged.map(({ row }) => row)]) {
    console.log(`| ${cells.join(" | ")} |`);
  }
  for (const { title, why, replay } of judged.flatMap(({ wrongs }) => wrongs)) {
    console.log(`\n${title}\n\n    ${replay}\n\n${why.replaceAll(/^/gm, "    ")}`);
    process.exitCode = 1;
  }
}
