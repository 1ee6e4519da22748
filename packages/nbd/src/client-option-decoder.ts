import { Intake } from "./client-intake.ts";
import { Malformed } from "./client-malformed.ts";
import {
  EXPORT_NAME_ZEROES,
  INIT_MAGIC,
  OLDSTYLE_MAGIC,
  OPTION_MAGIC,
  OPTION_REPLY_HEADER_BYTES,
  OPTION_REPLY_MAGIC,
} from "./nbd-numbers.ts";

/** What a server says before the first request. */
export type OptionFrame =
  | { readonly type: "greeting"; readonly flags: number }
  /** It has no options, and no more is read. */
  | { readonly type: "oldstyle" }
  | { readonly type: "reply"; readonly option: number; readonly kind: number; readonly data: Uint8Array }
  /** The answer to EXPORT_NAME. */
  | { readonly type: "export"; readonly size: bigint; readonly flags: number };

type State =
  | { readonly awaits: "magic" }
  | { readonly awaits: "greeting" }
  | { readonly awaits: "reply" }
  | { readonly awaits: "data"; readonly option: number; readonly kind: number }
  | { readonly awaits: "export" };

/** Longer than any reply with two names of 4096 bytes; what a server announces is not believed further. */
const MOST_REPLY_BYTES = 64 * 1024;

/** Reads what a server says before the first request, without I/O, and not a byte more. `next()` throws `Malformed`. */
export class OptionDecoder {
  readonly #intake = new Intake(new Uint8Array(16));
  #state: State = { awaits: "magic" };

  want(): Uint8Array {
    return this.#intake.want();
  }

  accept(bytes: number): void {
    this.#intake.accept(bytes);
  }

  /** From here on not a reply is awaited but the answer to EXPORT_NAME, which has no header. */
  expectExport(zeroes: "with zeroes" | "without zeroes"): void {
    this.#await({ awaits: "export" }, 10 + (zeroes === "with zeroes" ? EXPORT_NAME_ZEROES : 0));
  }

  /** One frame, or undefined when more bytes are needed. */
  next(): OptionFrame | undefined {
    while (this.#intake.isFull) {
      const frame = this.#parse();
      if (frame) return frame;
    }
    return undefined;
  }

  #parse(): OptionFrame | undefined {
    const { bytes } = this.#intake;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    switch (this.#state.awaits) {
      case "magic":
        return this.#magic(view);
      case "greeting":
        this.#awaitReply();
        return { type: "greeting", flags: view.getUint16(0) };
      case "reply":
        return this.#reply(view);
      case "data": {
        const { option, kind } = this.#state;
        this.#awaitReply();
        return { type: "reply", option, kind, data: bytes };
      }
      case "export":
        this.#awaitReply();
        return { type: "export", size: view.getBigUint64(0), flags: view.getUint16(8) };
    }
  }

  #magic(view: DataView): OptionFrame | undefined {
    if (view.getBigUint64(0) !== INIT_MAGIC) throw new Malformed("it does not begin as an NBD server does");
    const second = view.getBigUint64(8);
    if (second === OLDSTYLE_MAGIC) {
      this.#awaitReply();
      return { type: "oldstyle" };
    }
    if (second !== OPTION_MAGIC) throw new Malformed("it begins as no known kind of NBD server does");
    this.#await({ awaits: "greeting" }, 2);
    return undefined;
  }

  #reply(view: DataView): OptionFrame | undefined {
    if (view.getBigUint64(0) !== OPTION_REPLY_MAGIC) throw new Malformed("the answer to an option has a wrong magic");
    const [option, kind, length] = [view.getUint32(8), view.getUint32(12), view.getUint32(16)];
    if (length > MOST_REPLY_BYTES) {
      throw new Malformed(`the answer to an option has ${length} bytes, more than ${MOST_REPLY_BYTES}`);
    }
    if (length > 0) this.#await({ awaits: "data", option, kind }, length);
    else this.#awaitReply();
    return length > 0 ? undefined : { type: "reply", option, kind, data: new Uint8Array(0) };
  }

  #awaitReply(): void {
    this.#await({ awaits: "reply" }, OPTION_REPLY_HEADER_BYTES);
  }

  #await(state: State, bytes: number): void {
    this.#state = state;
    this.#intake.expect(new Uint8Array(bytes));
  }
}
