import type { CompletedValue } from "./completed-value.ts";
import type { CompletedCommand } from "./completion-model.ts";

/** A script for fish. */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const lines = [
    "# fish completion of blkmig, made by `blkmig completion fish`",
    "complete -c blkmig -f",
    ...commands.map(({ name, meaning }) => begun(`-n __fish_use_subcommand -a ${name}`, meaning)),
  ];
  for (const { name, options, places } of commands) {
    const here = `-n '__fish_seen_subcommand_from ${name}'`;
    for (const { flags, meaning, value } of options) {
      const spelled = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
      lines.push(begun([here, ...spelled, ...taken(value)].join(" "), meaning));
    }
    // fish counts no places: what may stand in any of them is offered.
    const offers = new Set(places.flatMap(({ value }) => offered(value)));
    for (const offer of offers) lines.push(`complete -c blkmig ${here} ${offer}`);
  }
  return `${lines.join("\n")}\n`;
}

function begun(what: string, meaning: string): string {
  return `complete -c blkmig ${what} -d ${quoted(meaning)}`;
}

/** `-r`: a value follows. */
function taken(value: CompletedValue | undefined): readonly string[] {
  return value ? ["-r", ...offered(value)] : [];
}

function offered(value: CompletedValue): readonly string[] {
  if (value.offer === "files" || value.offer === "named-files") return ["-F"];
  if (value.offer === "folders") return ["-f -a '(__fish_complete_directories)'"];
  if (value.offer === "words") return [`-f -a ${quoted(value.words.join(" "))}`];
  return ["-f"];
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
