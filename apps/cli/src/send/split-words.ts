import { CommandError } from "../command-error.ts";

/** One run of word characters: within quotes everything is meant as it stands. */
const PART = /'([^']*)'|"([^"]*)"|([^\s'"]+)/gy;

/** `ssh -i 'my key'`: words, split at white space outside of quotes. `option` is what a refusal calls it. */
export function splitWords(text: string, option: string): readonly [string, ...string[]] {
  const words: string[] = [];
  for (let at = 0; at < text.length;) {
    const space = /\s*/y;
    space.lastIndex = at;
    space.exec(text);
    at = space.lastIndex;
    if (at === text.length) break;
    const word = wordAt(text, at);
    if (word === undefined) throw new CommandError("usage", `${option}: a quote in '${text}' is not closed`);
    words.push(word.text);
    at = word.end;
  }
  const [program, ...others] = words;
  if (program === undefined) throw new CommandError("usage", `${option}: no program is named`);
  return [program, ...others];
}

/** The word that begins there, its quotes taken off; undefined if one is not closed. */
function wordAt(line: string, start: number): { readonly text: string; readonly end: number } | undefined {
  let text = "";
  let end = start;
  while (end < line.length && !/\s/.test(line.charAt(end))) {
    PART.lastIndex = end;
    const part = PART.exec(line);
    if (!part) return undefined;
    text += part[1] ?? part[2] ?? part[3] ?? "";
    end = PART.lastIndex;
  }
  return { text, end };
}
