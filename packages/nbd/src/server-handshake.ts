import { NbdError } from "./nbd-error.ts";
import { OPTION_HEADER_BYTES, OPTION_MAGIC } from "./nbd-numbers.ts";

/** What a client says before it has an export. */
export type HandshakeFrame =
  | { readonly type: "flags"; readonly flags: number }
  /** `data` is a view for good. */
  | { readonly type: "option"; readonly option: number; readonly data: Uint8Array }
  /** An option whose data was too long to be looked at, and was passed over. */
  | { readonly type: "oversized"; readonly option: number; readonly length: number };

/**
 * Decodes what a client says before it has an export, without I/O. It never wants a byte more than the item that it waits for:
 * what follows an option may be TLS, or requests, which others read.
 */
export interface HandshakeDecoder {
  /** Where the next bytes of the wire belong, never empty; good until the next call of any method. */
  want(): Uint8Array;
  /** Says that `bytes` bytes (1 to `want().length`) were put at the front of `want()`; else `RangeError`. */
  accept(bytes: number): void;
  /** The next frame, or undefined when more bytes are needed. Throws `NbdError` `protocol`; after that it is done. */
  next(): HandshakeFrame | undefined;
}

/** Longer data is passed over: 64 KiB hold the longest name, and queries of contexts by the dozen. */
const MOST_OPTION_BYTES = 64 * 1024;
/** Whose option is longer than this means no good. */
const MOST_PASSED_BYTES = 1024 * 1024;
const FLAGS_BYTES = 4;

type State =
  | { readonly awaits: "flags" | "header" }
  | { readonly awaits: "data"; readonly option: number }
  | { readonly awaits: "nothing"; readonly option: number; readonly length: number; left: number };

/** `peer` is what errors call the client. */
export function createHandshakeDecoder(peer: string): HandshakeDecoder {
  let state: State = { awaits: "flags" };
  let item = new Uint8Array(FLAGS_BYTES);
  let filled = 0;

  function wait(next: State, bytes: number): void {
    state = next;
    item = new Uint8Array(bytes);
    filled = 0;
  }

  function awaitHeader(): void {
    wait({ awaits: "header" }, OPTION_HEADER_BYTES);
  }

  function readHeader(): void {
    const view = new DataView(item.buffer);
    if (view.getBigUint64(0) !== OPTION_MAGIC) {
      throw new NbdError("protocol", peer, "what stands where an option must begin is none");
    }
    const option = view.getUint32(8);
    const length = view.getUint32(12);
    if (length > MOST_PASSED_BYTES) {
      throw new NbdError("protocol", peer, `option ${option} has ${length} bytes of data, which nobody needs`);
    }
    if (length <= MOST_OPTION_BYTES) return wait({ awaits: "data", option }, length);
    wait({ awaits: "nothing", option, length, left: length }, MOST_OPTION_BYTES);
  }

  return {
    want() {
      const left = state.awaits === "nothing" ? Math.min(state.left, item.length) : item.length - filled;
      if (left === 0) throw new Error("call next() before want()");
      return item.subarray(filled, filled + left);
    },
    accept(bytes) {
      const most = state.awaits === "nothing" ? Math.min(state.left, item.length) : item.length - filled;
      if (!Number.isInteger(bytes) || bytes < 1 || bytes > most) {
        throw new RangeError(`accept() takes 1 to ${most} bytes here, not ${bytes}`);
      }
      if (state.awaits === "nothing") state.left -= bytes;
      else filled += bytes;
    },
    next() {
      if (state.awaits === "header" && filled === item.length) readHeader();
      if (state.awaits === "nothing") {
        if (state.left > 0) return undefined;
        const { option, length } = state;
        awaitHeader();
        return { type: "oversized", option, length };
      }
      if (state.awaits === "header" || filled < item.length) return undefined;
      const data = item;
      const { awaits } = state;
      const option = state.awaits === "data" ? state.option : 0;
      awaitHeader();
      if (awaits === "data") return { type: "option", option, data };
      return { type: "flags", flags: new DataView(data.buffer).getUint32(0) };
    },
  };
}
