import type { Clock } from "@blkmig/device";
import { type Connection, TransportError } from "@blkmig/transport";

import { QemuError } from "./qemu-error.ts";
import type { ExecuteOptions, QemuVersion, QmpEvent } from "./qmp-contract.ts";
import { QmpEvents } from "./qmp-events.ts";
import { QmpLines } from "./qmp-lines.ts";
import { QmpMalformed } from "./qmp-malformed.ts";
import { decodeMessage, encodeCommand, type QmpMessage } from "./qmp-message.ts";
import { QmpReplies } from "./qmp-replies.ts";

const READ_BYTES = 65536;

interface QmpSessionOptions {
  readonly url: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** A connection to a monitor, from its greeting to its end. */
export class QmpSession {
  readonly #connection: Connection;
  readonly #options: QmpSessionOptions;
  readonly #replies = new QmpReplies();
  readonly #events = new QmpEvents();
  readonly #over = new AbortController();
  readonly #greet: { readonly resolve: (version: QemuVersion) => void; readonly reject: (error: QemuError) => void };
  #hasGreeted = false;

  /** Settles when QEMU has greeted. Throws `QemuError`: `no-qmp`, `gone`. */
  readonly greeting: Promise<QemuVersion>;
  readonly ended: AbortSignal = this.#over.signal;

  /** Owns the connection. */
  constructor(connection: Connection, options: QmpSessionOptions) {
    this.#connection = connection;
    this.#options = options;
    const { promise, resolve, reject } = settledByHand<QemuVersion>();
    promise.catch(() => {}); // whoever opens it hears of it; that one may have given up already
    this.greeting = promise;
    this.#greet = { resolve, reject };
    void this.#readAll();
  }

  async execute(
    command: string,
    parameters?: Readonly<Record<string, unknown>>,
    { timeoutMs = this.#options.timeoutMs }: ExecuteOptions = {},
  ): Promise<unknown> {
    if (this.ended.aborted) throw this.#toGone(`${command}: not asked`);
    const { url, clock } = this.#options;
    const { id, reply } = this.#replies.expect(() =>
      this.#toGone(`${command}: no answer, and whether it was carried out is not known`),
    );
    const isOver = new AbortController();
    const tooLong = `${command}: no answer within ${timeoutMs / 1000} s, and whether it was carried out is not known`;
    void clock
      .sleep(timeoutMs, isOver.signal)
      .then(() => this.#replies.fail(id, new QemuError("timeout", url, tooLong)));
    this.#connection.send([encodeCommand(id, command, parameters)]).catch((error: unknown) => this.#end(error));
    try {
      return this.#resultOf(command, await reply);
    } finally {
      isOver.abort();
    }
  }

  watch(listener: (event: QmpEvent) => void): () => void {
    return this.#events.watch(listener);
  }

  events(): AsyncIterableIterator<QmpEvent> {
    return this.#events.stream();
  }

  close(): void {
    this.#end(new Error("closed by this side"));
  }

  async #readAll(): Promise<void> {
    const lines = new QmpLines();
    const into = new Uint8Array(READ_BYTES);
    try {
      for (let count = await this.#connection.read(into); count > 0; count = await this.#connection.read(into)) {
        for (const line of lines.accept(into.subarray(0, count))) this.#take(decodeMessage(line), line.length);
      }
      this.#end(undefined);
    } catch (error) {
      this.#end(error);
    }
  }

  #take(message: QmpMessage, bytes: number): void {
    switch (message.is) {
      case "greeting":
        this.#hasGreeted = true;
        this.#greet.resolve(message.version);
        break;
      case "event":
        this.#events.tell(message.event, bytes);
        break;
      case "return":
      case "error":
        this.#replies.settle(message);
        break;
    }
  }

  #resultOf(command: string, reply: Extract<QmpMessage, { readonly is: "return" | "error" }>): unknown {
    if (reply.is === "return") return reply.value;
    throw new QemuError("refused", this.#options.url, `${command}: ${reply.desc}`, { qemuClass: reply.class });
  }

  /** `cause`: undefined where the monitor ended by itself. */
  #end(cause: unknown): void {
    if (this.#over.signal.aborted) return;
    const { url } = this.#options;
    const isNoQmp = cause instanceof QmpMalformed && !this.#hasGreeted;
    const reason = new QemuError(isNoQmp ? "no-qmp" : "gone", url, sentenceOf(cause), { cause });
    this.#over.abort(reason);
    this.#connection.destroy(reason);
    this.#greet.reject(reason);
    this.#replies.end();
    this.#events.end();
  }

  #toGone(what: string): QemuError {
    const { cause } = this.ended.reason as QemuError;
    return new QemuError("gone", this.#options.url, `${what}: ${sentenceOf(cause)}`, { cause });
  }
}

function sentenceOf(cause: unknown): string {
  if (cause === undefined) return "the monitor has closed";
  if (cause instanceof QmpMalformed) return `who answers speaks no QMP: ${cause.message}`;
  if (cause instanceof TransportError) return withoutUrl(cause);
  return cause instanceof Error ? cause.message : `ended by ${typeof cause}`;
}

/** The sentence alone: our own URL stands before it. */
function withoutUrl({ message, url }: TransportError): string {
  return message.startsWith(`${url}: `) ? message.slice(url.length + 2) : message;
}

function settledByHand<T>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((settle, fail) => {
    resolve = settle;
    reject = fail;
  });
  return { promise, resolve, reject };
}
