/** A verdict that `blkmig resolve` can be told. */
export interface ResolveLine {
  /** `qmp`: all sources of the migration, by the monitor of the QEMU that has them. */
  readonly role: "target" | "source" | "qmp";
  /** Of a monitor its URL. */
  readonly path: string;
  readonly verdict: "commit" | "abort" | "keep" | "gone";
  readonly migration: string;
  readonly stateDir: string | undefined;
}

/** The command as it is typed in a shell. */
export function formatResolveLine({ role, path, verdict, migration, stateDir }: ResolveLine): string {
  return formatLine(["resolve", `--${role}`, path, `--${verdict}`, migration], stateDir);
}

/** Likewise: the command that removes what crashed runs have left in a QEMU. */
export function formatCleanLine(url: string, stateDir: string | undefined): string {
  return formatLine(["status", "--qmp", url, "--clean"], stateDir);
}

function formatLine(words: readonly string[], stateDir: string | undefined): string {
  const where = stateDir === undefined ? [] : ["--state-dir", stateDir];
  return ["blkmig", ...words, ...where].map(quoted).join(" ");
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
