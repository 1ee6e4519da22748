import type { Readable } from "node:stream";

/** A longer line is cut: a peer that never ends one must not fill our memory. */
const LONGEST_LINE = 8192;

/** Reads a stream of text to its end, gives each line to `onLine`, and keeps the last one that was not empty. */
export class LineReader {
  #part = "";
  #last = "";

  constructor(stream: Readable, onLine?: (line: string) => void) {
    const tell = (line: string) => {
      if (line.trim() !== "") this.#last = line.trim();
      onLine?.(line);
    };
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      const lines = (this.#part + text).split(/\r?\n/u);
      this.#part = lines.pop() ?? "";
      for (const line of lines) tell(line);
      if (this.#part.length < LONGEST_LINE) return;
      tell(this.#part);
      this.#part = "";
    });
    stream.on("error", () => {}); // it ends as well
    stream.on("close", () => {
      if (this.#part !== "") tell(this.#part);
      this.#part = "";
    });
  }

  get last(): string {
    return this.#last || this.#part.trim();
  }
}
