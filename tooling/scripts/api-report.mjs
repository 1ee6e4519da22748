// The public API of the package in the current folder, as its declarations in dist say it: each of its doors, whole, in
// api.md. A change of what others build on is then a change of a file that is reviewed.
//   node ../../tooling/scripts/api-report.mjs            fails if api.md is not what the declarations say
//   node ../../tooling/scripts/api-report.mjs --write    writes it
// Fails also for an export without a doc comment, and for a type that is used at a door and cannot be had there.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { Extractor, ExtractorConfig } from "@microsoft/api-extractor";

import { keepReport } from "./keep-report.mjs";

const folder = process.cwd();
const temp = join(folder, "temp/api");
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const wrongs = [];

/** What API Extractor says beside its report, in its own many words, and what of it is wrong here. */
function listen(door) {
  return (message) => {
    message.handled = true;
    const isWrong = message.category === "Compiler" || message.messageId === "ae-forgotten-export";
    if (isWrong) wrongs.push(`${door}: ${message.text}`);
  };
}

/** The declarations of one door, in the order of their names. */
function reportOf(door, declarations) {
  const reportFileName = `${door.replaceAll("/", "-")}.api.md`;
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: join(folder, declarations),
      compiler: {
        overrideTsconfig: {
          compilerOptions: { lib: ["es2024"], module: "nodenext", types: ["node"], strict: true, skipLibCheck: true },
          include: ["dist"],
        },
      },
      apiReport: { enabled: true, reportFileName, reportFolder: temp, reportTempFolder: join(temp, "new") },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: "lf",
      messages: {
        compilerMessageReporting: { default: { logLevel: "warning" } },
        extractorMessageReporting: {
          default: { logLevel: "none" },
          "ae-forgotten-export": { logLevel: "warning" },
        },
        tsdocMessageReporting: { default: { logLevel: "none" } },
      },
    },
    packageJsonFullPath: join(folder, "package.json"),
  });
  Extractor.invoke(config, { localBuild: true, messageCallback: listen(door) });
  const report = readFileSync(join(temp, "new", reportFileName), "utf8");
  // Members are only marked as undocumented; an export itself has to say what it is for.
  for (const [, name] of report.matchAll(/^\/\/ @public \(undocumented\)\nexport (.*?)[;{=(]/gm)) {
    wrongs.push(`${door}: no doc comment: ${name}`);
  }
  const [, body] = /```ts\n(.*?)(?:\/\/ \(No @packageDocumentation [^\n]*)?\s*```/s.exec(report);
  return `\`\`\`ts\n${body.trim()}\n\`\`\``;
}

rmSync(temp, { recursive: true, force: true });
mkdirSync(join(temp, "new"), { recursive: true });
const doors = Object.entries(manifest.publishConfig.exports).filter(([, to]) => to.types !== undefined);
const sections = doors
  .map(([path, { types }]) => [join(manifest.name, path), types])
  .toSorted(([one], [other]) => (one < other ? -1 : 1))
  .map(([door, types]) => `## ${door}\n\n${reportOf(door, types)}\n`);

const head = `# The public API of ${manifest.name}\n\nMade by \`pnpm api\` from the declarations that are published. A change here has a changeset.\n`;
keepReport("api.md", [head, ...sections].join("\n"), wrongs);
