/** Text as roff's source, on one line. What it would take for a request, a dash or an escape is made plain. */
export function escaped(text: string): string {
  return text
    .replaceAll("\\", String.raw`\e`)
    .replaceAll("-", String.raw`\-`)
    .replaceAll(
      /[^\x20-\x7e]/gu,
      (character) => `\\[u${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`,
    )
    .replace(/^(?=[.'])/, String.raw`\&`);
}

export function bold(text: string): string {
  return String.raw`\fB${escaped(text)}\fR`;
}

/** A paragraph; what stands in backquotes is bold. */
export function textLine(text: string): string {
  return text
    .split("`")
    .map((part, index) => (index % 2 === 1 ? bold(part) : escaped(part)))
    .join("");
}
