// npm test: installs, builds, runs every test there is, and closes with the line "N passed, N failed, N skipped".
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { pnpm, pnpmBeside, root } from "./setup.mjs";

const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
const workspaces = ["packages", "apps", "tooling"].flatMap((folder) =>
  readdirSync(join(root, folder)).map((name) => join(root, folder, name)),
);
const reportNames = [".test-results.json", ".test-results.browser.json", ".test-results.smoke.json"];
const reports = () => workspaces.flatMap((folder) => reportNames.map((name) => join(folder, name))).filter(existsSync);

let broken = false;
const attempt = async (what, ...args) => {
  try {
    await pnpmBeside(...args);
  } catch {
    console.error(`${what} failed`);
    broken = true;
  }
};

// What starts processes and QEMUs takes the longest, and waits often: it begins at once, and the others fill up what it
// leaves, few at a time. All at once, as turbo starts them, it would come last and then be alone. `--only`: it is built,
// and nothing is to touch what is built while tests run it.
const longest = ["blkmig", "@blkmig/interop"];
const turboTest = ["exec", "turbo", "run", "test", "--continue", "--only"];
const testLongest = () => attempt("a test", ...turboTest, ...longest.map((name) => `--filter=${name}`));
const testOthers = () =>
  attempt("a test", ...turboTest, "--concurrency=2", ...longest.map((name) => `--filter=!${name}`));

pnpm("install", "--frozen-lockfile");
pnpm("run", "build");
for (const report of reports()) rmSync(report);
const browserTests = existsSync(chromium);
const others = async () => {
  await testOthers();
  if (browserTests) await attempt("a test in the browser", "run", "test:browser");
  await attempt("the smoke test", "run", "test:smoke");
};
await Promise.all([testLongest(), others()]);

let passed = 0;
let failed = 0;
const skipped = [];
for (const report of reports()) {
  const results = JSON.parse(readFileSync(report, "utf8"));
  passed += results.numPassedTests;
  failed += results.numFailedTests;
  for (const { assertionResults } of results.testResults) {
    skipped.push(...assertionResults.filter(({ status }) => !["passed", "failed"].includes(status)));
  }
}
const skippedOf = new Map();
for (const { ancestorTitles, title } of skipped) {
  const suite = ancestorTitles[0] ?? title;
  skippedOf.set(suite, (skippedOf.get(suite) ?? 0) + 1);
}
for (const [suite, count] of skippedOf) console.log(`skipped: ${count} of: ${suite}`);
if (!browserTests) console.log(`skipped: the tests in a browser (needs chromium at ${chromium})`);
console.log(`${passed} passed, ${failed} failed, ${skipped.length + (browserTests ? 0 : 1)} skipped`);
if (broken || failed > 0 || passed === 0) process.exitCode = 1;
