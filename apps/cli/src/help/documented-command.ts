import { Command } from "commander";

import { type Block, parseProse } from "./prose.ts";
import { renderProse } from "./render-prose.ts";
import { helpWidth } from "./screen-width.ts";

/** A command that knows what its help says below the options, so that its manual page says it, too. */
export class DocumentedCommand extends Command {
  declare readonly commands: readonly DocumentedCommand[];
  #prose: readonly Block[] = [];

  /** Commander makes subcommands by this. */
  override createCommand(name?: string): DocumentedCommand {
    return new DocumentedCommand(name);
  }

  /** What is said below the options: paragraphs, terms with what they mean, `Examples:`, `Exit codes:`. */
  explains(text: string): this {
    this.#prose = parseProse(text);
    return this.addHelpText("after", () => `\n${renderProse(this.#prose, helpWidth(process.stdout))}`);
  }

  prose(): readonly Block[] {
    return this.#prose;
  }
}
