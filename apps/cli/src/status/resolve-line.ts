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
  const where = stateDir === undefined ? [] : ["--state-dir", stateDir];
  const words = ["blkmig", "resolve", `--${role}`, path, `--${verdict}`, migration, ...where];
  return words.map(quoted).join(" ");
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
