import type { Block } from "./prose.ts";
import { hang, wrap } from "./wrap.ts";

/** Lines that are longer are hard to read, however wide the screen is. */
const WIDEST = 110;

/** Sets a help text in a width. Examples stay as they are: they are to be copied. */
export function renderProse(blocks: readonly Block[], screen: number): string {
  const width = Math.min(screen, WIDEST);
  const lines: string[] = [];
  for (const [index, block] of blocks.entries()) {
    if (block.apart) lines.push("");
    if (block.kind === "text") lines.push(...wrap(block.text, width));
    else if (block.kind === "examples") lines.push("Examples:", ...block.lines.map((line) => `  ${line}`));
    else lines.push(...hang(block.term, block.text, { column: columnAt(blocks, index), width }));
  }
  return lines.join("\n");
}

/** Neighbouring terms have their meanings in one column. */
function columnAt(blocks: readonly Block[], index: number): number {
  let first = index;
  while (blocks[first - 1]?.kind === "term") first -= 1;
  let column = 0;
  for (const block of blocks.slice(first)) {
    if (block.kind !== "term") break;
    column = Math.max(column, block.term.length);
  }
  return column;
}
