import { Writable } from "node:stream";

import xterm from "@xterm/headless";

import type { PeopleStream } from "./people.ts";

/** A terminal, by the model of one that people use, and the stream that leads to it. */
export interface Screen {
  readonly stream: PeopleStream;
  /** How many writes there were. */
  readonly writes: number;
  resize(columns: number): Promise<void>;
  /** What a person sees: the rows down to the last that has anything. */
  rows(): Promise<readonly string[]>;
}

const ROWS = 30;

export function createScreen(columns: number): Screen {
  const terminal = new xterm.Terminal({ cols: columns, rows: ROWS, allowProposedApi: true, convertEol: true });
  let writes = 0;
  const written = new Writable({ write: (chunk: Uint8Array, _, done) => terminal.write(chunk, done) });
  const write = (text: string, onLeft?: () => void): boolean => {
    writes++;
    return written.write(text, onLeft);
  };
  const stream = Object.assign(Object.create(written) as Writable, { isTTY: true, columns, write });
  const settled = (): Promise<void> =>
    new Promise((resolve) => {
      written.write("", () => resolve());
    });
  return {
    stream,
    get writes() {
      return writes;
    },
    async resize(to) {
      await settled();
      stream.columns = to;
      terminal.resize(to, ROWS);
      stream.emit("resize");
    },
    async rows() {
      await settled();
      const { active } = terminal.buffer;
      const lines = Array.from({ length: active.length }, (_, at) => active.getLine(at)!.translateToString(true));
      return lines.slice(0, lines.findLastIndex((line) => line !== "") + 1);
    },
  };
}
