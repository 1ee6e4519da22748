/** A piece of a line, and how much a person would miss it: 0 stays to the last. */
export interface Part {
  readonly text: string;
  readonly rank: number;
}

/** Joins as many parts as there are columns for, in their order. Whole ones: those of the highest ranks are left out first. */
export function fitParts(parts: readonly Part[], separator: string, columns: number): string {
  const kept = [...parts];
  const line = (): string => kept.map(({ text }) => text).join(separator);
  while (kept.length > 1 && columnsOf(line()) > columns) {
    const highest = Math.max(...kept.map(({ rank }) => rank));
    kept.splice(
      kept.findLastIndex(({ rank }) => rank === highest),
      1,
    );
  }
  return columnsOf(line()) > columns ? cut(line(), columns) : line();
}

/** Not even the first part fits. */
function cut(text: string, columns: number): string {
  let line = "";
  for (const char of text) {
    if (columnsOf(line + char) > columns) break;
    line += char;
  }
  return line;
}

/** At most so many: whatever is not Latin may be two columns wide, and a line that wraps could not be painted over. */
function columnsOf(text: string): number {
  return Array.from(text, (char) => (char.codePointAt(0)! < 0x300 ? 1 : 2)).reduce((sum, each) => sum + each, 0);
}
