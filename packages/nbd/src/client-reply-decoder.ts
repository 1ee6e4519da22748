import { Intake } from "./client-intake.ts";
import { Malformed } from "./client-malformed.ts";
import { CHUNK, CHUNK_DONE, CHUNK_ERROR_BIT, SIMPLE_REPLY_MAGIC, STRUCTURED_REPLY_MAGIC } from "./nbd-numbers.ts";

/** A run that a server described, in the words of one context. */
export interface Described {
  readonly length: number;
  readonly flags: number;
}

/** What a server says to requests. `last`: no more comes for this cookie. */
export type ReplyFrame =
  /** To a read that succeeded its bytes follow: `land()` says where. */
  | { readonly type: "simple"; readonly cookie: number; readonly error: number }
  /** Its bytes follow: `land()` must say where. */
  | {
      readonly type: "data";
      readonly cookie: number;
      readonly last: boolean;
      readonly offset: bigint;
      readonly length: number;
    }
  | { readonly type: "landed" }
  | {
      readonly type: "hole";
      readonly cookie: number;
      readonly last: boolean;
      readonly offset: bigint;
      readonly length: number;
    }
  | {
      readonly type: "status";
      readonly cookie: number;
      readonly last: boolean;
      readonly context: number;
      readonly runs: readonly Described[];
    }
  | {
      readonly type: "error";
      readonly cookie: number;
      readonly last: boolean;
      readonly error: number;
      readonly message: string;
      readonly offset: bigint | undefined;
    }
  | { readonly type: "none"; readonly cookie: number };

interface Chunk {
  readonly cookie: number;
  readonly kind: number;
  readonly last: boolean;
}

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

function leastBody(kind: number): number {
  if (kind === CHUNK.OFFSET_HOLE || kind === CHUNK.BLOCK_STATUS) return 12;
  if ((kind & CHUNK_ERROR_BIT) !== 0) return kind === CHUNK.ERROR_OFFSET ? 14 : 6;
  throw new Malformed(`a chunk is of the unknown kind ${hex(kind)}`);
}

function parseBody(chunk: Chunk, view: DataView): ReplyFrame {
  if (chunk.kind === CHUNK.OFFSET_HOLE) {
    const length = view.getUint32(8);
    if (view.byteLength !== 12 || length === 0) throw new Malformed("a chunk that should be a hole is none");
    return { type: "hole", ...plain(chunk), offset: view.getBigUint64(0), length };
  }
  if (chunk.kind === CHUNK.BLOCK_STATUS) return parseStatus(chunk, view);
  return parseError(chunk, view);
}

function parseStatus(chunk: Chunk, view: DataView): ReplyFrame {
  if (view.byteLength % 8 !== 4) throw new Malformed(`a description of ${view.byteLength} bytes ends inside a run`);
  const runs: Described[] = [];
  for (let at = 4; at < view.byteLength; at += 8) {
    const run = { length: view.getUint32(at), flags: view.getUint32(at + 4) };
    if (run.length === 0) throw new Malformed("a description has a run of no bytes");
    runs.push(run);
  }
  return { type: "status", ...plain(chunk), context: view.getUint32(0), runs };
}

function parseError(chunk: Chunk, view: DataView): ReplyFrame {
  const [error, length] = [view.getUint32(0), view.getUint16(4)];
  const end = 6 + length;
  const hasOffset = chunk.kind === CHUNK.ERROR_OFFSET;
  if (end + (hasOffset ? OFFSET_BYTES : 0) > view.byteLength)
    throw new Malformed("the sentence of an error is cut off");
  const message = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + 6, length));
  const offset = hasOffset ? view.getBigUint64(end) : undefined;
  if (error === 0) throw new Malformed("an error has no number");
  return { type: "error", ...plain(chunk), error, message, offset };
}

function plain({ cookie, last }: Chunk): { cookie: number; last: boolean } {
  return { cookie, last };
}

/** One that is none of ours may be rounded: then it is beyond 2^53, and still none of ours. */
function toCookie(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
