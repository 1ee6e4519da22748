import { QmpMalformed } from "./qmp-malformed.ts";

/** Of one line. QEMU's longest answers, thousands of block nodes, are some MiB. */
const LONGEST_LINE = 16 * 1024 * 1024;

const NEWLINE = 0x0a;
const OPENING_BRACE = 0x7b;

/** Parts what arrives into lines of JSON, wherever the wire cut it: characters of several bytes included. */
export class QmpLines {
  readonly #longest: number;
  readonly #decoder = new TextDecoder();
  /** The beginning of a line whose end has not come. */
  readonly #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(longest: number = LONGEST_LINE) {
    this.#longest = longest;
  }

  /** The lines that these bytes complete. Borrows them. Throws `QmpMalformed` for what cannot become a line of QMP. */
  accept(bytes: Uint8Array): readonly string[] {
    const lines: string[] = [];
    let rest = bytes;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      this.#hold(rest.subarray(0, end));
      const line = this.#release();
      if (line !== "") lines.push(line);
      rest = rest.subarray(end + 1);
    }
    // A copy: the caller reads into the same memory again.
    this.#hold(rest.slice());
    return lines;
  }

  #hold(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#heldBytes += piece.length;
    if (this.#heldBytes > this.#longest) throw new QmpMalformed(`a line of more than ${this.#longest} bytes`);
    this.#held.push(piece);
    this.#checkBeginning();
  }

  /** Who speaks something else may never end a line: its first byte tells at once. */
  #checkBeginning(): void {
    const first = this.#held[0]!;
    if (first[0] === OPENING_BRACE || isBlank(first[0])) return;
    throw new QmpMalformed(`it says ${JSON.stringify(this.#decoder.decode(first.subarray(0, 40)))}`);
  }

  #release(): string {
    const bytes = new Uint8Array(this.#heldBytes);
    let at = 0;
    for (const piece of this.#held) {
      bytes.set(piece, at);
      at += piece.length;
    }
    this.#held.length = 0;
    this.#heldBytes = 0;
    return this.#decoder.decode(bytes).trim();
  }
}

/** QEMU ends its lines with a carriage return too. */
function isBlank(byte: number | undefined): boolean {
  return byte === 0x0d || byte === 0x20 || byte === 0x09;
}
