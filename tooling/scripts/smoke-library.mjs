// The packages as a program of somebody else's has them, packed and installed: each of their doors opens, and the examples
// of the READMEs are typed as strictly as can be, with the declarations themselves looked at, and run.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { examplesOf } from "../architecture/src/examples-of.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A program that imports everything that the installed packages export. */
export function everyImport(library) {
  const scope = join(library, "node_modules/@blkmig");
  const doors = readdirSync(scope).flatMap((name) => {
    const { exports } = JSON.parse(readFileSync(join(scope, name, "package.json"), "utf8"));
    return Object.keys(exports).map((path) => join("@blkmig", name, path));
  });
  const modules = doors.filter((door) => !door.endsWith(".json"));
  return modules.map((door) => `import ${JSON.stringify(door)};`).join("");
}

const STRICT = {
  target: "es2023",
  lib: ["es2023"],
  module: "nodenext",
  types: ["node"],
  typeRoots: [join(root, "node_modules/@types")],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
  rootDir: ".",
  outDir: "built",
};

/** Compiles the examples in the library's folder. Gives the programs; throws where one is not typed. */
export function compileExamples(library) {
  const readmes = ["README.md", ...readdirSync(join(root, "packages")).map((name) => `packages/${name}/README.md`)];
  const examples = readmes
    .flatMap((document) => examplesOf(root, document))
    .filter(({ language }) => language === "ts")
    .map(({ document, line, code }) => ({ name: `${document.replaceAll("/", "-")}-${line}`, code }));
  mkdirSync(join(library, "examples"));
  for (const { name, code } of examples) writeFileSync(join(library, "examples", `${name}.ts`), code);
  writeFileSync(join(library, "package.json"), '{"private":true,"type":"module"}');
  writeFileSync(join(library, "tsconfig.json"), JSON.stringify({ compilerOptions: STRICT, include: ["examples"] }));
  const compiler = join(root, "node_modules/.bin/tsc");
  execFileSync(compiler, ["-p", library, "--pretty", "false"], {
    cwd: library,
    stdio: ["ignore", "inherit", "inherit"],
  });
  return examples.map(({ name }) => join(library, "built/examples", `${name}.js`));
}
