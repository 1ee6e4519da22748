interface PaintedStream {
  readonly columns?: number;
  write(text: string): boolean;
  on(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
}

/** The last line of a terminal, painted over and over, and what scrolls away above it. */
export interface Painter {
  /** The line, for as many columns as there are: asked again when the terminal has another width. */
  paint(line: (columns: number) => string): void;
  /** A whole line, which stays. */
  above(text: string): void;
  /** Takes the painted line away. */
  end(): void;
}

const DEFAULT_COLUMNS = 80;
const TO_LINE_START = "\r";
const ERASE_TO_LINE_END = "\u001B[K";
/** A terminal that has just become narrower, and has not said so yet, cuts the line instead of wrapping it. */
const [CUT, WRAP] = ["\u001B[?7l", "\u001B[?7h"];

/** Each change is one write, so that nobody sees half of it, and what has not changed is not written at all. */
export function createPainter(stream: PaintedStream): Painter {
  let line: ((columns: number) => string) | undefined;
  let painted = "";

  const repaint = (): void => {
    // One less: a line that fills the last column may wrap, and could not be painted over. Terminals without a width say 0.
    const text = line?.((stream.columns || DEFAULT_COLUMNS) - 1) ?? "";
    if (text === painted) return;
    painted = text;
    stream.write(`${TO_LINE_START}${CUT}${text}${ERASE_TO_LINE_END}${WRAP}`);
  };

  return {
    paint(next) {
      if (!line) stream.on("resize", repaint);
      line = next;
      repaint();
    },
    above(text) {
      if (painted === "") stream.write(`${text}\n`);
      else stream.write(`${TO_LINE_START}${ERASE_TO_LINE_END}${text}\n${CUT}${painted}${WRAP}`);
    },
    end() {
      stream.off("resize", repaint);
      line = undefined;
      repaint();
    },
  };
}
