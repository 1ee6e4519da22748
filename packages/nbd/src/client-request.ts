import type { Segments } from "@blkmig/device";

import { Coverage } from "./client-coverage.ts";
import type { Ledger } from "./client-ledger.ts";
import { Malformed } from "./client-malformed.ts";
import type { Offer } from "./client-offer.ts";
import type { Described } from "./client-reply-frame.ts";
import { CMD } from "./nbd-numbers.ts";

/** What is asked of a server. */
export interface Question {
  readonly command: number;
  readonly flags: number;
  readonly offset: number;
  readonly length: number;
}

/** One request, from when it is asked until it is settled, over as many connections as that takes. */
export class Request {
  readonly question: Question;
  /** Borrowed until it settles. */
  readonly payload: Segments;
  readonly settled: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: Error) => void;

  constructor(question: Question, payload: Segments = []) {
    this.question = question;
    this.payload = payload;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  resolve(): void {
    this.#resolve();
  }

  reject(error: Error): void {
    this.#reject(error);
  }

  /** It is about to be sent: what an earlier connection answered is void. */
  begin(_offer: Offer): void {}

  /** Where `length` bytes of the answer belong. Throws `Malformed` for what was not asked, or came before. */
  land(_offset: number, _length: number): Uint8Array {
    throw new Malformed(`bytes came in answer to ${nameOf(this.question)}`);
  }

  describe(_context: number, _runs: readonly Described[]): void {
    throw new Malformed(`a description came in answer to ${nameOf(this.question)}`);
  }

  /** The server has said that all is done. Throws `Malformed` if it is not. */
  acknowledge(): void {}
}

/** Reads into the caller's own memory. */
export class ReadRequest extends Request {
  readonly #into: Uint8Array;
  #coverage = new Coverage();

  constructor(offset: number, into: Uint8Array) {
    super({ command: CMD.READ, flags: 0, offset, length: into.length });
    this.#into = into;
  }

  override begin(): void {
    this.#coverage = new Coverage();
  }

  override land(offset: number, length: number): Uint8Array {
    const from = offset - this.question.offset;
    const to = from + length;
    if (from < 0 || to > this.#into.length) {
      throw new Malformed(`${length} bytes at ${offset} came in answer to ${nameOf(this.question)}`);
    }
    if (!this.#coverage.add(from, to)) throw new Malformed(`${length} bytes at ${offset} came twice`);
    return this.#into.subarray(from, to);
  }

  override acknowledge(): void {
    if (!this.#coverage.isWhole(this.#into.length)) {
      throw new Malformed(`the answer to ${nameOf(this.question)} has gaps`);
    }
  }
}

/** A write, or zeroes: what a flush must cover. */
export class WriteRequest extends Request {
  readonly #ledger: Ledger;

  constructor(question: Question, payload: Segments, ledger: Ledger) {
    super(question, payload);
    this.#ledger = ledger;
  }

  override acknowledge(): void {
    this.#ledger.acknowledge();
  }
}

export class FlushRequest extends Request {
  readonly #ledger: Ledger;
  #covered = 0;

  constructor(ledger: Ledger) {
    super({ command: CMD.FLUSH, flags: 0, offset: 0, length: 0 });
    this.#ledger = ledger;
  }

  override begin(): void {
    this.#covered = this.#ledger.acknowledged;
  }

  override acknowledge(): void {
    this.#ledger.flush(this.#covered);
  }
}

/** Asks what is where. */
export class StatusRequest extends Request {
  #offer: Offer | undefined;
  #said = new Map<number, readonly Described[]>();

  constructor(offset: number, length: number) {
    super({ command: CMD.BLOCK_STATUS, flags: 0, offset, length });
  }

  /** In the words of `base:allocation`. */
  get allocation(): readonly Described[] | undefined {
    return this.#of(this.#offer?.allocation);
  }

  /** In the words of `qemu:allocation-depth`. */
  get depth(): readonly Described[] | undefined {
    return this.#of(this.#offer?.depth);
  }

  /** In the words of the dirty bitmap's context. */
  get dirty(): readonly Described[] | undefined {
    return this.#of(this.#offer?.dirty);
  }

  override begin(offer: Offer): void {
    this.#offer = offer;
    this.#said = new Map();
  }

  override describe(context: number, runs: readonly Described[]): void {
    const { allocation, depth, dirty } = this.#offer ?? {};
    const isAsked = context === allocation || context === depth || context === dirty;
    if (!isAsked || this.#said.has(context)) throw new Malformed(`the context ${context} was described unasked`);
    this.#said.set(context, runs);
  }

  override acknowledge(): void {
    const { allocation, depth, dirty } = this.#offer ?? {};
    for (const context of [allocation, depth, dirty]) {
      if (context !== undefined && !this.#said.has(context)) {
        throw new Malformed(`the answer to ${nameOf(this.question)} lacks the context ${context}`);
      }
    }
  }

  #of(context: number | undefined): readonly Described[] | undefined {
    return context === undefined ? undefined : this.#said.get(context);
  }
}

/** For a sentence: `READ of 4096 bytes at 0`. */
function nameOf({ command, offset, length }: Question): string {
  const name = Object.keys(CMD).find((key) => CMD[key as keyof typeof CMD] === command);
  return `${name} of ${length} bytes at ${offset}`;
}
