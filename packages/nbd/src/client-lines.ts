import type { Clock } from "@blkmig/device";

import type { Agreed } from "./client-handshake.ts";
import type { Ledger } from "./client-ledger.ts";
import { Malformed } from "./client-malformed.ts";
import { differenceOf, type Offer } from "./client-offer.ts";
import { Unanswered } from "./client-patience.ts";
import { FlushRequest, type Request, WriteRequest } from "./client-request.ts";
import { Trouble } from "./client-trouble.ts";
import { MOST_REQUESTS, Wire } from "./client-wire.ts";
import type { NbdClientEvent } from "./nbd-contract.ts";
import { NbdError } from "./nbd-error.ts";

/** How long `close()` waits for a server that is away, with requests that wait for it. */
const CLOSING_MS = 10_000;
/** How long it waits for one that is there and answers nothing. */
const SILENCE_MS = 30_000;
/** A connection that broke earlier, and had answered nothing, was none. */
const BRIEF_MS = 5000;

export interface LinesOptions {
  readonly url: string;
  /** Another connection, agreed on anew; the signal ends the attempt. Throws `NbdError`. */
  readonly dial: (signal: AbortSignal) => Promise<Agreed>;
  readonly ledger: Ledger;
  /** Whether the server has fenced what came before when it welcomes a new connection: then everything may be sent again. */
  readonly fenced: boolean;
  readonly reconnectFor: number;
  /** How long a connection may leave everything unanswered; milliseconds, or Infinity. */
  readonly answerWithin: number;
  readonly clock: Clock;
  readonly tell: (event: NbdClientEvent) => void;
}

/** A write that may or may not land, and when. */
class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** The connections to one disk, and the requests that go over them; a broken one is made anew. */
export class Lines {
  readonly #options: LinesOptions;
  readonly #wires = new Set<Wire>();
  readonly #queue: Request[] = [];
  readonly #lives = new Set<Promise<void>>();
  readonly #over = new AbortController();
  #offer: Offer;
  #failure: NbdError | undefined;
  #hurriesSince: number | undefined;
  #answers = 0;
  /** Of the connection that was given up last. */
  #givenUp: { readonly what: string; readonly why: Error } | undefined;

  /** Takes ownership of the first connection. */
  constructor(first: Agreed, options: LinesOptions) {
    this.#options = options;
    this.#offer = first.offer;
    this.#begin(this.#live(first));
  }

  get offer(): Offer {
    return this.#offer;
  }

  /** Settles as the request does. It throws `ServerError`, `Interrupted` or `NbdError`. */
  async ask(request: Request): Promise<void> {
    if (this.#failure) throw this.#failure;
    const { loss } = this.#options.ledger;
    if (loss !== undefined && request instanceof FlushRequest) throw new Interrupted(loss);
    this.#queue.push(request);
    this.#dispatch();
    return request.settled;
  }

  /** One more connection, if the server lets us; if not, those that are there must do. */
  add(): void {
    this.#begin(
      this.#options.dial(this.#over.signal).then(
        async (agreed) => {
          const isSame = differenceOf(this.#offer, agreed.offer) === undefined;
          if (isSame && !this.#over.signal.aborted) return this.#live(agreed);
          agreed.connection.destroy();
        },
        () => {},
      ),
    );
  }

  /** From now on a server that is away is waited for no longer than 10 s, and one that answers nothing no longer than 30 s. */
  hurry(): void {
    if (this.#hurriesSince !== undefined) return;
    this.#hurriesSince = this.#options.clock.now();
    void this.#endSilence();
  }

  /** A host that is frozen looks like one that is slow: only that nothing at all comes from it tells. */
  async #endSilence(): Promise<void> {
    for (let heard = -1; heard !== this.#answers; await this.#options.clock.sleep(SILENCE_MS, this.#over.signal)) {
      heard = this.#answers;
    }
    this.#fail(
      "connect",
      `the server has answered nothing for ${SILENCE_MS / 1000} s, and is waited for no longer`,
      undefined,
    );
  }

  /** When nothing is under way: says goodbye and lets go. */
  async close(): Promise<void> {
    this.#over.abort();
    await Promise.all([...this.#wires].map(async (wire) => wire.close()));
    await Promise.all(this.#lives);
  }

  #begin(life: Promise<void>): void {
    this.#lives.add(life);
    void life.then(() => {
      this.#lives.delete(life);
      if (this.#lives.size === 0 && this.#givenUp) this.#fail("connect", this.#givenUp.what, this.#givenUp.why);
    });
  }

  /** One connection and those that come after it. */
  async #live(first: Agreed): Promise<void> {
    const { clock, answerWithin } = this.#options;
    let trouble = new Trouble(clock.now());
    for (let agreed: Agreed | undefined = first; agreed;) {
      const onAnswer = (): void => {
        this.#answers += 1;
        this.#dispatch();
      };
      const wire = new Wire(agreed, { clock, answerWithin, onAnswer });
      const begun = clock.now();
      this.#wires.add(wire);
      this.#dispatch();
      const why = await wire.ended;
      this.#wires.delete(wire);
      // A server that hangs up on whatever it is asked was not back, nor was one that welcomes us and then never answers.
      const lasted = clock.now() - begun > BRIEF_MS && !(why instanceof Unanswered);
      const wasUp = wire.hasAnswered || wire.load === 0 || lasted;
      if (wasUp || agreed === first) trouble = new Trouble(clock.now());
      this.#pickUp(wire.unanswered(), why);
      if (why instanceof Malformed) this.#fail("protocol", why.message, why);
      agreed = await this.#reconnect(why, trouble);
    }
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const isFlush = this.#queue[0] instanceof FlushRequest;
      const wire = isFlush ? this.#oldest() : this.#leastLoaded();
      if (!wire) return;
      wire.send(this.#queue.shift()!);
    }
  }

  /**
   * Flushes go over the oldest connection: a newer one may have found a server that restarted, and that one's flush says nothing of
   * writes which were acknowledged before, while the older ones have not heard of their end yet.
   */
  #oldest(): Wire | undefined {
    return [...this.#wires].find((wire) => wire.isUp);
  }

  #leastLoaded(): Wire | undefined {
    let least: Wire | undefined;
    for (const wire of this.#wires) {
      if (wire.isUp && wire.load < (least?.load ?? MOST_REQUESTS)) least = wire;
    }
    return least;
  }

  /** What a broken connection left behind: sent again first, and in its order, or rejected where that would deceive. */
  #pickUp(requests: readonly Request[], why: Error): void {
    if (this.#failure) return this.#rejectAll(requests, this.#failure);
    if (this.#options.fenced) return void this.#queue.unshift(...requests);
    const { ledger } = this.#options;
    if (ledger.hasUnflushed)
      ledger.lose(`the connection broke (${why.message}): what was written since the last flush may be lost`);
    // Without a fence an older write may still land, after whatever is sent now.
    const writes = requests.filter((request) => request instanceof WriteRequest);
    this.#rejectAll(writes, new Interrupted(`the connection broke (${why.message}): it may still land, now or later`));
    this.#queue.unshift(...requests.filter((request) => !(request instanceof WriteRequest)));
    if (ledger.loss === undefined) return;
    const flushes = this.#queue.filter((request) => request instanceof FlushRequest);
    this.#rejectAll(flushes, new Interrupted(ledger.loss));
    this.#queue.splice(0, Infinity, ...this.#queue.filter((request) => !(request instanceof FlushRequest)));
  }

  async #reconnect(broken: Error, trouble: Trouble): Promise<Agreed | undefined> {
    const { clock, reconnectFor, tell, dial } = this.#options;
    const over = this.#over.signal;
    for (let why = broken; !over.aborted;) {
      const left = Math.min(trouble.since + reconnectFor, this.#closingEnd(trouble.since)) - clock.now();
      if (left <= 0) return this.#giveUp(broken, why);
      const waitMs = Math.min(trouble.nextWait(), left);
      tell({ type: "reconnect", why: why.message, waitMs });
      await clock.sleep(waitMs, over);
      const agreed = await dial(over).catch((error: unknown) => {
        why = error as Error;
      });
      if (agreed) return this.#welcome(agreed, broken);
    }
    return undefined;
  }

  /** Both are told: of a server that did not answer, what came of trying again says nothing. */
  #giveUp(broken: Error, why: Error): undefined {
    const first = why === broken ? "" : ` (${broken.message})`;
    this.#givenUp = { what: `the connection broke${first} and could not be made again: ${why.message}`, why };
  }

  #closingEnd(since: number): number {
    return this.#hurriesSince === undefined ? Infinity : Math.max(since, this.#hurriesSince) + CLOSING_MS;
  }

  /** The connection is there again: but is the disk, and all that was written to it? */
  #welcome(agreed: Agreed, broken: Error): Agreed | undefined {
    const difference = differenceOf(this.#offer, agreed.offer);
    const isOtherRun = agreed.offer.identity?.run !== this.#offer.identity?.run;
    if (difference !== undefined) this.#fail("changed", `after a reconnect ${difference}`, broken);
    else if (isOtherRun && this.#options.ledger.hasUnflushed) this.#fail("lost", LOST, broken);
    if (this.#over.signal.aborted) {
      agreed.connection.destroy();
      return undefined;
    }
    this.#offer = agreed.offer;
    this.#options.tell({ type: "reconnect", why: broken.message, waitMs: undefined });
    return agreed;
  }

  /** For good. */
  #fail(code: "changed" | "connect" | "lost" | "protocol", what: string, cause: Error | undefined): void {
    if (this.#over.signal.aborted) return;
    this.#failure = new NbdError(code, this.#options.url, what, { cause });
    this.#over.abort();
    for (const wire of this.#wires) wire.break(this.#failure);
    this.#rejectAll(this.#queue.splice(0), this.#failure);
    this.#options.tell({ type: "failed", error: this.#failure });
  }

  #rejectAll(requests: readonly Request[], error: Error): void {
    for (const request of requests) request.reject(error);
  }
}

const LOST = "the server's host restarted: what it had acknowledged and not flushed may be gone";
