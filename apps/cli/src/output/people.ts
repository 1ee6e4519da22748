import { clearLine, cursorTo } from "node:readline";
import { styleText } from "node:util";

import { printable } from "./printable.ts";
import { describeProgress, type Progress } from "./progress.ts";

/** Where people look. */
export interface PeopleStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
}

/** What people are told, a sentence a line, and a progress line below them that moves. */
export interface People {
  line(text: string): void;
  warn(text: string): void;
  error(text: string): void;
  /** Moves on a terminal; elsewhere a line now and then, and at each change of phase. */
  progress(progress: Progress): void;
  /** Takes the progress line away. */
  endProgress(): void;
}

const PAINT_EVERY_MS = 100;
const PLAIN_EVERY_MS = 5000;

export function createPeople(stream: PeopleStream, now: () => number): People {
  const moves = stream.isTTY === true;
  const colours = stream.hasColors?.() ?? false;
  let painted = "";
  let shown: { readonly phase: string; readonly at: number } | undefined;

  const style = (how: "yellow" | "red", text: string): string =>
    colours ? styleText(how, text, { validateStream: false }) : text;

  const erase = (): void => {
    if (painted === "") return;
    cursorTo(stream, 0);
    clearLine(stream, 0);
  };

  const print = (text: string): void => {
    erase();
    stream.write(`${text}\n${painted}`);
  };

  const paint = (text: string): void => {
    erase();
    painted = text.slice(0, (stream.columns || 80) - 1); // a line that wraps could not be erased
    stream.write(painted);
  };

  return {
    line: (text) => print(printable(text)),
    warn: (text) => print(`${style("yellow", "warning:")} ${printable(text)}`),
    error: (text) => print(`${style("red", "blkmig:")} ${printable(text)}`),
    progress(progress) {
      if (progress.total === 0) return; // nothing is known yet
      const isNew = shown?.phase !== progress.phase;
      const every = moves ? PAINT_EVERY_MS : PLAIN_EVERY_MS;
      if (shown && !isNew && now() - shown.at < every) return;
      shown = { phase: progress.phase, at: now() };
      const text = printable(describeProgress(progress));
      if (moves) paint(text);
      else print(text);
    },
    endProgress() {
      erase();
      painted = "";
    },
  };
}
