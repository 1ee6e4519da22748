import { type Command, Option } from "commander";

import { CommandError } from "../command-error.ts";

/** Options that are spelled in the design and come later: known, so that none is taken for a typing error, and refused. */
const LATER = {
  send: ["--qmp [url]", "--migrate-to [uri]", "--to-qmp [url]"],
} as const;

/** Makes the later options of a command known, without naming them in its help. */
export function addLaterOptions(command: Command, of: keyof typeof LATER): void {
  for (const flags of LATER[of]) {
    const option = new Option(flags).hideHelp();
    command.addOption(option);
    command.on(`option:${option.name()}`, () => {
      throw new CommandError("usage", `${option.long} is not built yet`);
    });
  }
}
