import { CommandError } from "../command-error.ts";
import { wrap } from "../help/wrap.ts";
import { DISKS_EXPLAINED } from "./explain-disks.ts";
import { explainExit } from "./explain-exits.ts";
import { MIGRATIONS_EXPLAINED } from "./explain-migrations.ts";
import { PROGRAM_EXPLAINED } from "./explain-program.ts";
import { WIRES_EXPLAINED } from "./explain-wires.ts";
import type { Explained } from "./explanation.ts";

/** Every code there is, in the order in which they are met. */
export const EXPLAINED: readonly Explained[] = [
  ...PROGRAM_EXPLAINED,
  ...MIGRATIONS_EXPLAINED,
  ...DISKS_EXPLAINED,
  ...WIRES_EXPLAINED,
];

/** What a code means, wherever it can come from; a number is an exit code. Throws `CommandError` `usage` for one that is not there. */
export function explain(code: string, width: number): string {
  const ending = explainExit(code);
  if (ending) return [ending.title, ...ending.sentences.flatMap((text) => indented(text, width))].join("\n");
  const found = EXPLAINED.flatMap(({ title, left, codes }) => {
    const explanation = Object.hasOwn(codes, code) ? codes[code] : undefined;
    if (!explanation) return [];
    const { cause, remedy, left: more = "", exit } = explanation;
    const exits = exit === undefined ? [] : [`Exit code: ${exit}.`];
    return [
      [title, ...[cause, remedy, `${more} ${left}`.trim(), ...exits].flatMap((text) => indented(text, width))].join(
        "\n",
      ),
    ];
  });
  if (found.length > 0) return found.join("\n\n");
  const all = [...new Set(EXPLAINED.flatMap(({ codes }) => Object.keys(codes)))].toSorted();
  throw new CommandError("usage", `'${code}' is no code of an error nor an exit code; they are ${all.join(", ")}`);
}

function indented(text: string, width: number): readonly string[] {
  return wrap(text, width - 2).map((line) => `  ${line}`);
}

/** The part of docs/errors.md that says what each code means. */
export function explainedPage(): string {
  const sections = EXPLAINED.map(({ title, left, codes }) => {
    const items = Object.entries(codes).map(([code, { cause, remedy, left: more, exit }]) => {
      const rest = [more, exit && `Exit code: ${exit}.`].filter((text) => text !== undefined);
      return [`- \`${code}\`: ${cause} _${remedy}_`, ...rest].join(" ");
    });
    return `### ${title}\n\n${left}\n\n${items.join("\n")}\n`;
  });
  return sections.join("\n");
}
