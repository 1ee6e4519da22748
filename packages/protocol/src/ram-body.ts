import type { RamPages } from "./envelope-frame.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { Scratch } from "./scratch.ts";

const WORD_BYTES = 8;
const PAGE_SIZE = 4096;
const FLAG_BITS = PAGE_SIZE - 1;
const HALF = 2 ** 32;

const ZERO = 0x02;
const MEM_SIZE = 0x04;
const PAGE = 0x08;
const EOS = 0x10;
const CONTINUE = 0x20;
const XBZRLE = 0x40;
const COMPRESS_PAGE = 0x100;

/** The byte that begins every page in XBZRLE. */
const XBZRLE_ENCODING = 0x01;
/** No sender compresses a page to more than this: what does not shrink is sent plain, or with some bytes around it. */
const MAX_COMPRESSED = 2 * PAGE_SIZE;

type PageKind = keyof RamPages;

/** What the body waits for, with what the next step needs. */
type State =
  | { readonly awaits: "word" }
  /** An entry of the list of memory blocks: u8 length, name, u64 bytes. */
  | { readonly awaits: "memory"; readonly left: number }
  | { readonly awaits: "name"; readonly kind: PageKind }
  /** How long a page is that is not plain. */
  | { readonly awaits: "length"; readonly kind: "xbzrle" | "compressed" }
  | { readonly awaits: "bytes"; left: number };

const WORD: State = { awaits: "word" };

/** Passes over the body of a ram section, version 4, word by word: bodies have no length. Nothing of it is copied. */
export class RamBody {
  readonly pages: Record<PageKind, number> = { zero: 0, plain: 0, xbzrle: 0, compressed: 0 };
  readonly #scratch: Scratch;
  #state: State = WORD;

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
  }

  /** Passes over all that has come; true behind the EOS that ends the body. Throws `ProtocolError`. */
  pass(): boolean {
    for (;;) {
      const step = this.#step(this.#state);
      if (step === "on") continue;
      return step === "end";
    }
  }

  #step(state: State): "on" | "more" | "end" {
    if (state.awaits === "word") return this.#word();
    if (state.awaits === "bytes") return this.#bytes(state);
    if (state.awaits === "name") return this.#name(state.kind);
    if (state.awaits === "length") return this.#length(state.kind);
    return this.#memory(state.left);
  }

  #word(): "on" | "more" | "end" {
    if (this.#scratch.available < WORD_BYTES) return "more";
    const position = this.#scratch.position;
    const high = this.#scratch.u32();
    const low = this.#scratch.u32();
    const flags = low & FLAG_BITS;
    if (flags === EOS) return "end";
    if (flags === MEM_SIZE) {
      this.#state = memory(high * HALF + ((low & ~FLAG_BITS) >>> 0), position);
      return "on";
    }
    const kind = pageKind(flags & ~CONTINUE, flags, position);
    this.pages[kind]++;
    this.#state = (flags & CONTINUE) === 0 ? { awaits: "name", kind } : content(kind);
    return "on";
  }

  #name(kind: PageKind): "on" | "more" {
    const scratch = this.#scratch;
    if (scratch.available < 1 || scratch.available < 1 + scratch.peekU8()) return "more";
    scratch.skip(1 + scratch.peekU8());
    this.#state = content(kind);
    return "on";
  }

  #length(kind: "xbzrle" | "compressed"): "on" | "more" {
    const scratch = this.#scratch;
    if (scratch.available < (kind === "xbzrle" ? 3 : 4)) return "more";
    const position = scratch.position;
    if (kind === "xbzrle" && scratch.peekU8() !== XBZRLE_ENCODING) {
      throw new ProtocolError("bad-section", `a page in XBZRLE has the encoding ${scratch.peekU8()}, not 1`, position);
    }
    if (kind === "xbzrle") scratch.skip(1);
    const left = kind === "xbzrle" ? scratch.u16() : scratch.u32();
    const most = kind === "xbzrle" ? PAGE_SIZE : MAX_COMPRESSED;
    if (left > most) {
      throw new ProtocolError("bad-section", `a page (${kind}) of ${left} bytes: ${most} are the most`, position);
    }
    this.#state = { awaits: "bytes", left };
    return "on";
  }

  #bytes(state: Extract<State, { awaits: "bytes" }>): "on" | "more" {
    const bytes = Math.min(state.left, this.#scratch.available);
    this.#scratch.skip(bytes);
    state.left -= bytes;
    if (state.left > 0) return "more";
    this.#state = WORD;
    return "on";
  }

  #memory(left: number): "on" | "more" {
    const scratch = this.#scratch;
    if (scratch.available < 1 || scratch.available < 1 + scratch.peekU8() + 8) return "more";
    const position = scratch.position;
    scratch.skip(1 + scratch.peekU8());
    const bytes = scratch.u32() * HALF + scratch.u32();
    if (bytes > left) {
      const hint = "are postcopy-ram and x-ignore-shared off?";
      throw new ProtocolError(
        "bad-section",
        `a memory block of ${bytes} bytes where ${left} are left: ${hint}`,
        position,
      );
    }
    this.#state = bytes === left ? WORD : { awaits: "memory", left: left - bytes };
    return "on";
  }
}

function memory(bytes: number, position: number): State {
  if (!Number.isSafeInteger(bytes)) {
    throw new ProtocolError("bad-section", "a memory of more than 2^53 - 1 bytes", position);
  }
  return bytes === 0 ? WORD : { awaits: "memory", left: bytes };
}

function pageKind(flag: number, flags: number, position: number): PageKind {
  if (flag === ZERO) return "zero";
  if (flag === PAGE) return "plain";
  if (flag === XBZRLE) return "xbzrle";
  if (flag === COMPRESS_PAGE) return "compressed";
  const what = `flags 0x${flags.toString(16)} of a ram section are not understood`;
  throw new ProtocolError("unknown-flags", `${what}: turn off multifd, postcopy-ram and RDMA in QEMU`, position);
}

/** What comes behind the word, and the name where there is one. */
function content(kind: PageKind): State {
  if (kind === "zero") return { awaits: "bytes", left: 1 };
  if (kind === "plain") return { awaits: "bytes", left: PAGE_SIZE };
  return { awaits: "length", kind };
}
