import { CommandError } from "../command-error.ts";

/** Dangers that the caller takes on. */
export interface Dangers {
  /** Another process has the disk. */
  readonly inUse: boolean;
  /** The disk is mounted here. */
  readonly mounted: boolean;
}

const NOT_BUILT: ReadonlySet<string> = new Set(["filesystem", "incomplete", "moved"]);

/** The words of `--force`. One that would do nothing is refused: whoever says it believes that something is checked. */
export function parseDangers(words: readonly string[]): Dangers {
  for (const word of words) {
    if (word === "in-use" || word === "mounted") continue;
    if (NOT_BUILT.has(word)) {
      throw new CommandError("usage", `--force ${word}: that danger is not looked for yet, so it cannot be taken on`);
    }
    throw new CommandError("usage", `--force: '${word}' is no danger; they are in-use and mounted`);
  }
  return { inUse: words.includes("in-use"), mounted: words.includes("mounted") };
}
