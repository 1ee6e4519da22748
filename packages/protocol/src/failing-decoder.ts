import type { Decoder } from "./decoder.ts";
import { ProtocolError } from "./protocol-error.ts";

/** What a decoder reads by. Its methods mean what those of `Decoder` do; once it has thrown it is not asked again. */
export interface Parser<Frame> {
  want(): Uint8Array;
  accept(bytes: number): void;
  next(): Frame | undefined;
  land(buffer: Uint8Array): void;
  /** What a stream that ends here lacks, and since which byte; undefined between two frames. */
  missing(): { readonly what: string; readonly position: number } | undefined;
}

/** A decoder over a parser: what it has thrown once as a `ProtocolError`, every method throws again. */
export class FailingDecoder<Frame> implements Decoder<Frame> {
  readonly #parser: Parser<Frame>;
  /** How the sentence begins that says what is missing at the end. */
  readonly #endsInside: string;
  #error: ProtocolError | undefined;

  constructor(parser: Parser<Frame>, endsInside: string) {
    this.#parser = parser;
    this.#endsInside = endsInside;
  }

  want(): Uint8Array {
    this.check();
    return this.#parser.want();
  }

  accept(bytes: number): void {
    this.check();
    this.#parser.accept(bytes);
  }

  next(): Frame | undefined {
    this.check();
    try {
      return this.#parser.next();
    } catch (error) {
      if (error instanceof ProtocolError) this.#error = error;
      throw error;
    }
  }

  land(buffer: Uint8Array): void {
    this.check();
    this.#parser.land(buffer);
  }

  end(): void {
    this.check();
    const missing = this.#parser.missing();
    if (missing === undefined) return;
    this.#error = new ProtocolError("truncated", `${this.#endsInside} ${missing.what}`, missing.position);
    throw this.#error;
  }

  /** Throws what was thrown before. */
  protected check(): void {
    if (this.#error) throw this.#error;
  }
}
