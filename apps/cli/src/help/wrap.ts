/** Less room than this for a meaning beside its term, and it stands below. */
const NARROWEST = 24;

/** Breaks at spaces into lines of at most `width`; a word that is longer has a line of its own. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** A term, and what it means in a column beside it, or below where that would be too narrow. */
export function hang(
  term: string,
  meaning: string,
  { column, width }: { readonly column: number; readonly width: number },
): readonly string[] {
  if (meaning === "") return [`  ${term}`];
  const room = width - column - 4;
  if (room < NARROWEST) return [`  ${term}`, ...wrap(meaning, width - 6).map((line) => `      ${line}`)];
  const [first = "", ...rest] = wrap(meaning, room);
  return [`  ${term.padEnd(column)}  ${first}`, ...rest.map((line) => `${" ".repeat(column + 4)}${line}`)];
}
