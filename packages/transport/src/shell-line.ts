/**
 * One line that a POSIX shell splits into just these words, whatever is in them. Throws a `TypeError` for a word that no
 * program can be given.
 */
export function toShellLine(words: readonly string[]): string {
  return words.map(quoted).join(" ");
}

/** Between single quotes nothing means anything but a single quote, which goes outside of them, after a backslash. */
function quoted(word: string): string {
  if (word.includes("\0")) throw new TypeError("a program's argument has no zero byte");
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
