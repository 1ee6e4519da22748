// The command line of the program in the current folder, as commander has it: commands, arguments, options and what each
// stands for where it is not given, in api.md. Scripts of other people are built on it.
//   node ../../tooling/scripts/cli-report.mjs            fails if api.md is not what the program takes
//   node ../../tooling/scripts/cli-report.mjs --write    writes it
import { createProgram } from "../../apps/cli/src/program.ts";
import { keepReport } from "./keep-report.mjs";

const isRepeatable = ({ variadic, defaultValue }) => variadic || Array.isArray(defaultValue);
const hasDefault = ({ defaultValue }) => ![undefined, false].includes(defaultValue) && !Array.isArray(defaultValue);

function optionLine(option) {
  const traits = [
    option.mandatory && "required",
    isRepeatable(option) && "repeatable",
    option.argChoices && `one of ${option.argChoices.join(", ")}`,
    hasDefault(option) && `default ${option.defaultValue}`,
    option.envVar && `environment ${option.envVar}`,
    ...option.conflictsWith.map((name) => `not with ${name}`),
  ];
  return [option.flags, ...traits.filter(Boolean)].join("; ");
}

function argumentWord(argument) {
  const name = `${argument.name()}${argument.variadic ? "…" : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** A command, and those under it. */
function sectionsOf(command, path) {
  const words = [...path, command.name(), ...command.registeredArguments.map(argumentWord)].join(" ");
  const options = command.options.filter(({ hidden }) => !hidden).map(optionLine);
  const section = [words, ...options.toSorted().map((line) => `    ${line}`)].join("\n");
  const under = command
    .createHelp()
    .visibleCommands(command)
    .toSorted((one, other) => (one.name() < other.name() ? -1 : 1));
  return [section, ...under.flatMap((one) => sectionsOf(one, [...path, command.name()]))];
}

const head = `# The command line of blkmig

Made by \`pnpm api\` from the program's own model. A change here has a changeset. What the options mean is in \`--help\` and in
[README.md](README.md), exit codes and events too.
`;
const body = sectionsOf(createProgram("0.0.0"), []).join("\n\n");
keepReport("api.md", `${head}\n\`\`\`text\n${body}\n\`\`\`\n`);
