import { NbdError } from "./nbd-error.ts";
import { CMD, REQUEST_BYTES, REQUEST_MAGIC } from "./nbd-numbers.ts";

/** A request as it was sent. */
export interface NbdRequest {
  readonly command: number;
  readonly flags: number;
  /** Names the request in its reply: 64 bits, in halves. */
  readonly cookieHigh: number;
  readonly cookieLow: number;
  /** Beyond 2^53 it is not exact, and beyond every disk. */
  readonly offset: number;
  readonly length: number;
}

/** A request; or the payload of the last one, a write, has landed, or was passed over. */
export type RequestFrame = { readonly type: "request"; readonly request: NbdRequest } | { readonly type: "payload" };

/**
 * Decodes the requests of a client that has its export, without I/O. It holds 32 KiB, whatever the client sends: a write's payload lands in
 * memory that is not its own.
 */
export interface RequestDecoder {
  /**
   * Where the next bytes of the wire belong, never empty: a scratch while a request is awaited, the landed memory while a payload is.
   * Good until the next call of any method. Throws `Error` while a write waits for `land()` or `pass()`.
   */
  want(): Uint8Array;
  /** Says that `bytes` bytes (1 to `want().length`) were put at the front of `want()`; else `RangeError`. */
  accept(bytes: number): void;
  /** The next frame, or undefined when more bytes are needed. Throws `NbdError` `protocol`; after that it is done. */
  next(): RequestFrame | undefined;
  /** After a write: the memory, borrowed until it has landed, where its payload shall go; of its length in all, else `RangeError`. */
  land(pieces: readonly Uint8Array[]): void;
  /** After a write: its payload is passed over. */
  pass(): void;
  /** Whether `land()` or `pass()` is waited for. */
  readonly isLanding: boolean;
  /** Whether the wire may end here: between two requests. */
  readonly isBetween: boolean;
}

const SCRATCH_BYTES = 32 * 1024;

type State =
  | { readonly awaits: "request" }
  | { readonly awaits: "landing"; readonly length: number }
  | { readonly awaits: "payload"; readonly pieces: readonly Uint8Array[]; index: number; filled: number }
  | { readonly awaits: "nothing"; left: number };

const REQUEST: State = { awaits: "request" };

/** `peer` is what errors call the client. */
export function createRequestDecoder(peer: string): RequestDecoder {
  const scratch = new Uint8Array(SCRATCH_BYTES);
  const view = new DataView(scratch.buffer);
  let start = 0;
  let end = 0;
  let state: State = REQUEST;

  function room(): Uint8Array {
    if (state.awaits === "landing") throw new Error("call land() or pass() before want()");
    if (state.awaits === "payload") return state.pieces[state.index]?.subarray(state.filled) ?? new Uint8Array(0);
    if (start > 0) {
      scratch.copyWithin(0, start, end);
      end -= start;
      start = 0;
    }
    return scratch.subarray(end);
  }

  /** Of what the scratch holds, what belongs to the payload; then on to the next piece whose turn it is. */
  function fill(payload: Extract<State, { readonly awaits: "payload" }>): void {
    for (let piece = payload.pieces[payload.index]; piece; piece = payload.pieces[payload.index]) {
      const bytes = Math.min(end - start, piece.length - payload.filled);
      if (bytes > 0) piece.set(scratch.subarray(start, start + bytes), payload.filled);
      start += bytes;
      payload.filled += bytes;
      if (payload.filled < piece.length) return;
      payload.index += 1;
      payload.filled = 0;
    }
  }

  function readRequest(): RequestFrame {
    const at = start;
    if (view.getUint32(at) !== REQUEST_MAGIC) {
      throw new NbdError("protocol", peer, "what stands where a request must begin is none");
    }
    const command = view.getUint16(at + 6);
    const length = view.getUint32(at + 24);
    const request: NbdRequest = {
      command,
      flags: view.getUint16(at + 4),
      cookieHigh: view.getUint32(at + 8),
      cookieLow: view.getUint32(at + 12),
      offset: view.getUint32(at + 16) * 2 ** 32 + view.getUint32(at + 20),
      length,
    };
    start += REQUEST_BYTES;
    if (command === CMD.WRITE && length > 0) state = { awaits: "landing", length };
    return { type: "request", request };
  }

  /** Whether nothing is left to be passed over. */
  function passOver(passing: Extract<State, { readonly awaits: "nothing" }>): boolean {
    const bytes = Math.min(end - start, passing.left);
    start += bytes;
    passing.left -= bytes;
    return passing.left === 0;
  }

  function assertLanding(): number {
    if (state.awaits !== "landing") throw new Error("land() or pass() is called once, after next() gave a write");
    return state.length;
  }

  return {
    want() {
      const wanted = room();
      if (wanted.length === 0) throw new Error("call next() before want()");
      return wanted;
    },
    accept(bytes) {
      const most = room().length;
      if (!Number.isInteger(bytes) || bytes < 1 || bytes > most) {
        throw new RangeError(`accept() takes 1 to ${most} bytes here, not ${bytes}`);
      }
      if (state.awaits !== "payload") end += bytes;
      else state.filled += bytes;
    },
    next() {
      if (state.awaits === "landing") return undefined;
      if (state.awaits === "payload") {
        fill(state);
        if (state.index < state.pieces.length) return undefined;
        state = REQUEST;
        return { type: "payload" };
      }
      if (state.awaits === "nothing") {
        if (!passOver(state)) return undefined;
        state = REQUEST;
        return { type: "payload" };
      }
      return end - start < REQUEST_BYTES ? undefined : readRequest();
    },
    land(pieces) {
      const length = assertLanding();
      const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
      if (bytes !== length) throw new RangeError(`a payload of ${length} bytes cannot land in ${bytes}`);
      state = { awaits: "payload", pieces, index: 0, filled: 0 };
      fill(state); // now: what came along with the header comes before what is read next
    },
    pass() {
      state = { awaits: "nothing", left: assertLanding() };
    },
    get isLanding() {
      return state.awaits === "landing";
    },
    get isBetween() {
      return state.awaits === "request" && start === end;
    },
  };
}
