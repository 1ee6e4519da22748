import { CommandError } from "../command-error.ts";

/** Dangers that the caller takes on. */
export interface Dangers {
  /** Another process has the disk. */
  readonly inUse: boolean;
  /** The disk is mounted here. */
  readonly mounted: boolean;
  /** A target holds a file system, a partition table or the like. */
  readonly filesystem: boolean;
  /** A target, or a source that was one, is of a migration that was not finished. */
  readonly incomplete: boolean;
  /** A target block device counts in other sectors than the disk. */
  readonly sectorSize: boolean;
  /** A source's owner is elsewhere. */
  readonly moved: boolean;
}

export const DANGERS = {
  send: ["in-use", "incomplete", "mounted", "moved"],
  receive: ["filesystem", "in-use", "incomplete", "mounted", "sector-size"],
  "send --qmp": ["incomplete", "moved"],
  serve: ["in-use", "incomplete", "mounted"],
} as const;

/** The words of `--force`. One that would do nothing is refused: whoever says it believes that something is checked. */
export function parseDangers(words: readonly string[], command: keyof typeof DANGERS): Dangers {
  const known: readonly string[] = DANGERS[command];
  for (const word of words) {
    if (known.includes(word)) continue;
    const all = `${known.slice(0, -1).join(", ")} and ${known.at(-1)}`;
    throw new CommandError("usage", `--force: '${word}' is no danger of \`blkmig ${command}\`; they are ${all}`);
  }
  return {
    inUse: words.includes("in-use"),
    mounted: words.includes("mounted"),
    filesystem: words.includes("filesystem"),
    incomplete: words.includes("incomplete"),
    sectorSize: words.includes("sector-size"),
    moved: words.includes("moved"),
  };
}
