/** What a help text is made of. `apart`: whether an empty line stands before it. */
export type Block =
  | { readonly kind: "text"; readonly text: string; readonly apart: boolean }
  | { readonly kind: "term"; readonly term: string; readonly text: string; readonly apart: boolean }
  /** Lines of a shell, as they are typed. */
  | { readonly kind: "examples"; readonly lines: readonly string[]; readonly apart: boolean };

const EXAMPLES = "Examples:";

/**
 * Takes a help text apart, so that it can be set in any width. Lines at the margin are text; lines that are
 * indented by two are a term, two spaces, and what it means, which goes on in lines that are indented further; and below
 * `Examples:` they are as they are.
 */
export function parseProse(source: string): readonly Block[] {
  const blocks: Block[] = [];
  let apart = false;
  for (const line of source.replaceAll(/^\n+|\s+$/g, "").split("\n")) {
    const last = blocks.at(-1);
    if (line === "") {
      apart = true;
      continue;
    }
    if (!apart && last && continues(last, line)) blocks[blocks.length - 1] = withLine(last, line);
    else blocks.push(begin(line, apart));
    apart = false;
  }
  return blocks;
}

function continues(block: Block, line: string): boolean {
  if (block.kind === "text") return !line.startsWith(" ");
  return line.startsWith(block.kind === "term" ? "   " : " ");
}

function withLine(block: Block, line: string): Block {
  if (block.kind === "examples") return { ...block, lines: [...block.lines, line.slice(2)] };
  return { ...block, text: `${block.text} ${line.trim()}` };
}

function begin(line: string, apart: boolean): Block {
  if (line === EXAMPLES) return { kind: "examples", lines: [], apart };
  if (!line.startsWith(" ")) return { kind: "text", text: line, apart };
  const [term = "", ...text] = line.trim().split(/ {2,}/);
  return { kind: "term", term, text: text.join(" "), apart };
}
