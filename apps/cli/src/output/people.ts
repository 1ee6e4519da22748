import { styleText } from "node:util";

import { createPainter } from "./painter.ts";
import { printable } from "./printable.ts";
import { describeProgress, type Progress } from "./progress.ts";
import { lookOf, type TerminalLook } from "./terminal-look.ts";

/** Where people look. */
export interface PeopleStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly fd?: number;
  /** Bytes that nobody has read yet. */
  readonly writableLength?: number;
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
/** What waits for a reader that is gone, or asleep, must not grow without end: progress is the one thing that can be left out. */
const MOST_UNREAD_BYTES = 64 * 1024;

/** The priorities of syslog. */
const PRIORITY = { error: "<3>", warning: "<4>", notice: "<6>" } as const;

export function createPeople(
  stream: PeopleStream,
  now: () => number,
  look: TerminalLook = lookOf(stream, process.env),
): People {
  const painter = createPainter(stream);
  let shown: { readonly phase: string; readonly at: number } | undefined;

  const style = (how: "yellow" | "red", text: string): string =>
    look.colours ? styleText(how, text, { validateStream: false }) : text;

  const print = (text: string, priority: keyof typeof PRIORITY): void => {
    painter.above(`${look.priorities ? PRIORITY[priority] : ""}${text}`);
  };

  return {
    line: (text) => print(printable(text), "notice"),
    warn: (text) => print(`${style("yellow", "warning:")} ${printable(text)}`, "warning"),
    error: (text) => print(`${style("red", "blkmig:")} ${printable(text)}`, "error"),
    progress(progress) {
      if (progress.total === 0) return; // nothing is known yet
      const isNew = shown?.phase !== progress.phase;
      const every = look.moves ? PAINT_EVERY_MS : PLAIN_EVERY_MS;
      if (shown && !isNew && now() - shown.at < every) return;
      if ((stream.writableLength ?? 0) > MOST_UNREAD_BYTES) return;
      shown = { phase: progress.phase, at: now() };
      const line = (columns: number): string => printable(describeProgress(progress, { columns, ...look }));
      if (look.moves) painter.paint(line);
      else print(line(Infinity), "notice");
    },
    endProgress: () => painter.end(),
  };
}
