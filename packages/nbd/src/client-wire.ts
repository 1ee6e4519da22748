import type { Clock } from "@blkmig/device";
import type { Connection } from "@blkmig/transport";

import { encodeRequest } from "./client-encode.ts";
import type { Agreed } from "./client-handshake.ts";
import { Malformed } from "./client-malformed.ts";
import type { Offer } from "./client-offer.ts";
import { Patience } from "./client-patience.ts";
import { ReplyDecoder } from "./client-reply-decoder.ts";
import type { ReplyFrame } from "./client-reply-frame.ts";
import type { Request } from "./client-request.ts";
import { ServerError } from "./client-server-error.ts";
import { CMD } from "./nbd-numbers.ts";

/** Requests of one connection under way: servers keep memory for each. */
export const MOST_REQUESTS = 64;

/** A server that no longer reads would hold up our end for ever. */
const GOODBYE_MS = 1000;

export interface WireOptions {
  readonly clock: Clock;
  /** How long the server may leave everything unanswered; milliseconds. */
  readonly answerWithin: number;
  /** There is room for one more. */
  readonly onAnswer: () => void;
}

interface UnderWay {
  readonly request: Request;
  readonly sent: Promise<void>;
  error?: ServerError;
}

/** The requests of one connection: many at a time, answered in any order. */
export class Wire {
  readonly offer: Offer;
  /** Settles, with why, when no more comes and nobody's memory is read or written any more. */
  readonly ended: Promise<Error>;
  readonly #connection: Connection;
  readonly #decoder: ReplyDecoder;
  readonly #clock: Clock;
  readonly #onAnswer: () => void;
  readonly #patience: Patience;
  readonly #underWay = new Map<number, UnderWay>();
  readonly #sends = new Set<Promise<void>>();
  #landing: { cookie: number; last: boolean } | undefined;
  #cookies = 0;
  #why: Error | undefined;
  #hasAnswered = false;

  /** Takes ownership of the connection. */
  constructor({ connection, offer }: Agreed, { clock, answerWithin, onAnswer }: WireOptions) {
    this.offer = offer;
    this.#connection = connection;
    this.#clock = clock;
    this.#onAnswer = onAnswer;
    this.#patience = new Patience({ clock, answerWithin, onEnd: (why) => this.break(why) });
    this.#decoder = new ReplyDecoder(offer.structured ? "structured" : "simple");
    this.ended = this.#receive();
  }

  get isUp(): boolean {
    return this.#why === undefined;
  }

  /** Any request at all: then the server is not one that hangs up on whatever is asked. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  get load(): number {
    return this.#underWay.size;
  }

  send(request: Request): void {
    request.begin(this.offer);
    const cookie = ++this.#cookies;
    const header = encodeRequest({ ...request.question, cookie });
    const sent = this.#connection
      .send([header, ...request.payload])
      .catch((error: unknown) => this.break(error as Error));
    this.#sends.add(sent);
    void sent.then(() => {
      this.#sends.delete(sent);
      this.#rest();
    });
    this.#underWay.set(cookie, { request, sent });
    this.#patience.begin();
  }

  /** Once it has ended: what was not answered, in the order in which it was sent. */
  unanswered(): Request[] {
    return [...this.#underWay.values()].map(({ request }) => request);
  }

  /** With a goodbye, if the server listens. */
  async close(): Promise<void> {
    const isSaid = new AbortController();
    const saying = this.#sayGoodbye().finally(() => isSaid.abort());
    await Promise.race([saying, this.#clock.sleep(GOODBYE_MS, isSaid.signal)]);
    this.break(new Error("closed by this side"));
    await this.ended;
  }

  break(why: Error): void {
    this.#why ??= why;
    this.#patience.end();
    this.#connection.destroy(why);
  }

  /** What was answered and has not left is under way, too: it settles only then. */
  #rest(): void {
    if (this.#underWay.size === 0 && this.#sends.size === 0) this.#patience.end();
  }

  async #sayGoodbye(): Promise<void> {
    const goodbye = encodeRequest({ command: CMD.DISC, flags: 0, cookie: 0, offset: 0, length: 0 });
    try {
      await this.#connection.send([goodbye]);
      await this.#connection.finish();
    } catch {
      // It is gone already: whom it concerned has heard of it.
    }
  }

  async #receive(): Promise<Error> {
    try {
      for (;;) await this.#receiveSome();
    } catch (error) {
      this.break(error as Error);
    }
    await Promise.all(this.#sends);
    return this.#why as Error;
  }

  async #receiveSome(): Promise<void> {
    const bytes = await this.#connection.read(this.#decoder.want());
    if (bytes === 0)
      throw new Error(`the server hung up${this.#decoder.isBetween ? "" : " in the middle of an answer"}`);
    this.#patience.renew();
    this.#decoder.accept(bytes);
    for (let frame = this.#decoder.next(); frame; frame = this.#decoder.next()) this.#take(frame);
  }

  #take(frame: ReplyFrame): void {
    if (frame.type === "landed") return this.#landed();
    const underWay = this.#underWay.get(frame.cookie);
    if (!underWay) throw new Malformed("an answer came to no request");
    const { request } = underWay;
    switch (frame.type) {
      case "simple":
        if (frame.error !== 0) underWay.error ??= new ServerError(frame.error, "", undefined);
        else if (request.question.command === CMD.READ)
          return this.#land(frame.cookie, true, request, request.question);
        return this.#finish(frame.cookie);
      case "data":
        return this.#land(frame.cookie, frame.last, request, { offset: Number(frame.offset), length: frame.length });
      case "hole":
        request.land(Number(frame.offset), frame.length).fill(0);
        break;
      case "status":
        request.describe(frame.context, frame.runs);
        break;
      case "error":
        underWay.error ??= new ServerError(frame.error, frame.message, toNumber(frame.offset));
        break;
      case "none":
        return this.#finish(frame.cookie);
    }
    if (frame.last) this.#finish(frame.cookie);
  }

  #land(cookie: number, last: boolean, request: Request, { offset, length }: { offset: number; length: number }): void {
    this.#decoder.land(request.land(offset, length));
    this.#landing = { cookie, last };
  }

  #landed(): void {
    const { cookie, last } = this.#landing!;
    this.#landing = undefined;
    if (last) this.#finish(cookie);
  }

  #finish(cookie: number): void {
    const { request, sent, error } = this.#underWay.get(cookie)!;
    if (!error) request.acknowledge();
    this.#underWay.delete(cookie);
    this.#rest();
    this.#hasAnswered = true;
    // Not before its bytes have left: a server may answer a write that it has not read to its end.
    void sent.then(() => (error ? request.reject(error) : request.resolve()));
    this.#onAnswer();
  }
}

function toNumber(offset: bigint | undefined): number | undefined {
  return offset === undefined ? undefined : Number(offset);
}
