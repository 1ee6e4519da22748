import { Intake } from "./client-intake.ts";
import { Malformed } from "./client-malformed.ts";
import { type Chunk, hex, leastBody, parseBody, plain, type ReplyFrame } from "./client-reply-frame.ts";
import { CHUNK, CHUNK_DONE, SIMPLE_REPLY_MAGIC, STRUCTURED_REPLY_MAGIC } from "./nbd-numbers.ts";

type State =
  | { readonly awaits: "head" }
  | { readonly awaits: "length"; readonly chunk: Chunk }
  | { readonly awaits: "offset"; readonly chunk: Chunk; readonly length: number }
  | { readonly awaits: "body"; readonly chunk: Chunk }
  | { readonly awaits: "landing"; readonly length: number }
  | { readonly awaits: "payload" };

/** A million runs: more than servers put into one answer. What is announced beyond it is not believed. */
const MOST_BODY_BYTES = 4 + 8 * 2 ** 20;
const HEAD_BYTES = 16;
const LENGTH_BYTES = 4;
const OFFSET_BYTES = 8;

/**
 * Reads what a server says to requests, without I/O: headers into memory of its own, payloads straight to where `land()` says. It
 * never wants more than what is certain to come. `next()` throws `Malformed`.
 */
export class ReplyDecoder {
  readonly #structured: boolean;
  readonly #head = new Uint8Array(HEAD_BYTES);
  readonly #intake = new Intake(this.#head);
  #state: State = { awaits: "head" };
  /** Between the answer to a read and what follows: only then may a simple reply's bytes land. */
  #mayLand = false;

  constructor(replies: "structured" | "simple") {
    this.#structured = replies === "structured";
  }

  /** Between two answers: the only place where a server may hang up. */
  get isBetween(): boolean {
    return this.#state.awaits === "head" && this.#intake.isEmpty;
  }

  want(): Uint8Array {
    if (this.#state.awaits === "landing") throw new TypeError("a payload waits for land()");
    return this.#intake.want();
  }

  accept(bytes: number): void {
    this.#mayLand = false;
    this.#intake.accept(bytes);
  }

  /** One frame, or undefined when more bytes are needed. */
  next(): ReplyFrame | undefined {
    while (this.#state.awaits !== "landing" && this.#intake.isFull) {
      const frame = this.#parse();
      if (frame) return frame;
    }
    return undefined;
  }

  /** Where the bytes of the frame that `next()` gave last belong: exactly as long as they are, borrowed until `landed`. */
  land(buffer: Uint8Array): void {
    const { awaits } = this.#state;
    const fits = this.#state.awaits === "landing" ? buffer.length === this.#state.length : this.#mayLand;
    if (!fits || buffer.length === 0) throw new TypeError(`nothing of ${buffer.length} bytes can land (${awaits})`);
    this.#mayLand = false;
    this.#state = { awaits: "payload" };
    this.#intake.expect(buffer);
  }

  #parse(): ReplyFrame | undefined {
    const { bytes } = this.#intake;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const state = this.#state;
    switch (state.awaits) {
      case "head":
        return this.#parseHead(view);
      case "length":
        return this.#begin(state.chunk, view.getUint32(0));
      case "offset":
        this.#state = { awaits: "landing", length: state.length };
        return { type: "data", ...plain(state.chunk), offset: view.getBigUint64(0), length: state.length };
      case "body":
        this.#awaitHead();
        return parseBody(state.chunk, view);
      case "payload":
        this.#awaitHead();
        return { type: "landed" };
      case "landing":
        return undefined;
    }
  }

  #parseHead(view: DataView): ReplyFrame | undefined {
    const magic = view.getUint32(0);
    const cookie = toCookie(view, 8);
    if (magic === SIMPLE_REPLY_MAGIC) {
      this.#awaitHead();
      this.#mayLand = true;
      return { type: "simple", cookie, error: view.getUint32(4) };
    }
    if (magic !== STRUCTURED_REPLY_MAGIC || !this.#structured) {
      throw new Malformed(`an answer begins with ${hex(magic)}, which is no magic of an answer`);
    }
    const flags = view.getUint16(4);
    const chunk: Chunk = { cookie, kind: view.getUint16(6), last: (flags & CHUNK_DONE) !== 0 };
    this.#await({ awaits: "length", chunk }, LENGTH_BYTES);
    return undefined;
  }

  #begin(chunk: Chunk, length: number): ReplyFrame | undefined {
    if (chunk.kind === CHUNK.NONE) {
      if (length !== 0 || !chunk.last) throw new Malformed("a chunk of no kind must be empty, and the last one");
      this.#awaitHead();
      return { type: "none", cookie: chunk.cookie };
    }
    if (chunk.kind === CHUNK.OFFSET_DATA) {
      if (length <= OFFSET_BYTES) throw new Malformed("a chunk of data has no data");
      this.#await({ awaits: "offset", chunk, length: length - OFFSET_BYTES }, OFFSET_BYTES);
      return undefined;
    }
    const least = leastBody(chunk.kind);
    if (length < least || length > MOST_BODY_BYTES) {
      throw new Malformed(
        `a chunk of kind ${hex(chunk.kind)} has ${length} bytes: ${least} to ${MOST_BODY_BYTES} can be`,
      );
    }
    this.#await({ awaits: "body", chunk }, length);
    return undefined;
  }

  #awaitHead(): void {
    this.#state = { awaits: "head" };
    this.#intake.expect(this.#head);
  }

  #await(state: State, bytes: number): void {
    this.#state = state;
    this.#intake.expect(new Uint8Array(bytes));
  }
}

/** One that is none of ours may be rounded: then it is beyond 2^53, and still none of ours. */
function toCookie(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}
