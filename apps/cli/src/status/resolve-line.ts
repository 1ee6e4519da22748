/** A verdict that `blkmig resolve` can be told. */
export interface ResolveLine {
  readonly role: "target" | "source";
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
