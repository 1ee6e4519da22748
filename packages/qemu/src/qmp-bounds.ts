import { QmpMalformed } from "./qmp-malformed.ts";

/** A disk on a disk on a disk: a chain of hundreds of images is one level for each, or two. */
const DEEPEST = 1024;
/** Thousands of block nodes have some hundred thousand. */
const MOST_VALUES = 500_000;

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPENING_BRACKET, CLOSING_BRACKET, OPENING_BRACE, CLOSING_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Throws `QmpMalformed` for JSON whose arrays and objects are nested too deeply or are too many: two bytes of text, `[]`, become sixty of
 * memory, so that a line within its limit could take a gigabyte.
 */
export function assertModest(line: string): void {
  let [depth, values, isText] = [0, 0, false];
  for (let at = 0; at < line.length; at++) {
    const code = line.charCodeAt(at);
    if (isText) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) isText = false;
    } else if (code === QUOTE) isText = true;
    else if (code === OPENING_BRACKET || code === OPENING_BRACE) {
      if (++depth > DEEPEST) throw new QmpMalformed(`a line of more than ${DEEPEST} levels`);
      if (++values > MOST_VALUES) throw new QmpMalformed(`a line of more than ${MOST_VALUES} arrays and objects`);
    } else if (code === CLOSING_BRACKET || code === CLOSING_BRACE) depth--;
  }
}
