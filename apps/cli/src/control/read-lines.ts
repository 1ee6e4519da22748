import type { Connection } from "@blkmig/transport";

import { CommandError } from "../command-error.ts";

const CHUNK = 16 * 1024;
const LINE_END = 0x0a;

/**
 * The lines that come, each without its end; one that was begun and not ended when the peer finished is none. Throws
 * `CommandError` `not-a-stream` for a line of more than `longest` bytes, as soon as that is known, and what reading throws.
 */
export async function* readLines(from: Pick<Connection, "read">, longest: number): AsyncGenerator<string, void> {
  const chunk = new Uint8Array(CHUNK);
  let begun: Uint8Array[] = [];
  let length = 0;
  const add = (piece: Uint8Array): void => {
    length += piece.length;
    if (length > longest) throw new CommandError("not-a-stream", `a line has more than ${longest} bytes`);
    begun.push(piece.slice()); // the chunk is read into again
  };
  for (let count = await from.read(chunk); count > 0; count = await from.read(chunk)) {
    let rest = chunk.subarray(0, count);
    for (let end = rest.indexOf(LINE_END); end >= 0; end = rest.indexOf(LINE_END)) {
      add(rest.subarray(0, end));
      yield Buffer.concat(begun).toString("utf8");
      begun = [];
      length = 0;
      rest = rest.subarray(end + 1);
    }
    add(rest);
  }
}
