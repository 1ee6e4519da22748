export function medianOf(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;

/** A table in Markdown, on standard output. */
export function printTable(heads: readonly string[], rows: readonly (readonly string[])[]): void {
  process.stdout.write(line(heads) + line(heads.map(() => "---")) + rows.map(line).join(""));
}
