import { ProtocolError } from "./protocol-error.ts";
import { Scratch, SCRATCH_BYTES } from "./scratch.ts";
import { type Crc32, SESSION_HEADER_BYTES, SESSION_MAGIC, type SessionFrame } from "./session-frame.ts";
import {
  ACK,
  ANSWER,
  ANSWER_EQUAL,
  DATA,
  HASH,
  HOLE,
  OPTIONAL,
  PING,
  type PlacedHeader,
  readHeader,
} from "./session-header.ts";
import { parseMessage } from "./session-message-text.ts";
import { assertHeader, type DataChecksums } from "./session-rules.ts";

/** What the parser waits for, with what the next step needs. */
type State =
  | { readonly awaits: "preface" }
  | { readonly awaits: "header" }
  | { readonly awaits: "landing"; readonly header: PlacedHeader }
  | { readonly awaits: "payload"; readonly header: PlacedHeader; readonly buffer: Uint8Array; filled: number }
  /** The payload of a frame of an optional type. */
  | { readonly awaits: "nothing"; readonly header: PlacedHeader; left: number };

type StateOf<Awaits extends State["awaits"]> = Extract<State, { readonly awaits: Awaits }>;
/** A frame; or to go on; or that more bytes are needed. */
type Step = SessionFrame | "on" | "more";

const HEADER: State = { awaits: "header" };

/** The frames of a session's direction. Its methods mean what those of `Decoder` do; after a `ProtocolError` it is done. */
export class SessionParser {
  /** The longest data frame that is taken. */
  frameBytes: number;
  dataChecksums: DataChecksums = "present";
  readonly #crc32: Crc32;
  readonly #scratch = new Scratch(SCRATCH_BYTES);
  #state: State;

  /** @param taken How many bytes of the stream have been taken from the wire before: none, or the preface. */
  constructor(crc32: Crc32, frameBytes: number, taken: number) {
    this.#crc32 = crc32;
    this.frameBytes = frameBytes;
    this.#state = taken > 0 ? HEADER : { awaits: "preface" };
    this.#scratch.passBy(taken);
  }

  want(): Uint8Array {
    const state = this.#state;
    if (this.#room() === 0) throw new Error(`call ${state.awaits === "landing" ? "land()" : "next()"} before want()`);
    return state.awaits === "payload" ? state.buffer.subarray(state.filled, state.header.size) : this.#scratch.room();
  }

  accept(bytes: number): void {
    const state = this.#state;
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > this.#room()) {
      throw new RangeError(`accept() takes 1 to ${this.#room()} bytes here, not ${bytes}`);
    }
    if (state.awaits !== "payload") return this.#scratch.fill(bytes);
    state.filled += bytes;
    this.#scratch.passBy(bytes);
  }

  next(): SessionFrame | undefined {
    for (;;) {
      const step = this.#step(this.#state);
      if (step === "more") return undefined;
      if (step !== "on") return step;
    }
  }

  land(buffer: Uint8Array): void {
    const state = this.#state;
    if (state.awaits !== "landing") throw new Error("land() is called once, after next() gave a payload");
    const { header } = state;
    if (buffer.length < header.size) {
      throw new RangeError(`a payload of ${header.size} bytes cannot land in ${buffer.length}`);
    }
    this.#fill(header, buffer);
  }

  /** What a stream that ends here lacks, as the rest of a sentence, and since which byte; undefined between two frames. */
  missing(): { readonly what: string; readonly position: number } | undefined {
    const state = this.#state;
    const { available, position } = this.#scratch;
    if (state.awaits === "preface") return { what: lack(available, SESSION_MAGIC.length, "its preface"), position: 0 };
    if (state.awaits !== "header") return { what: this.#lackOfPayload(state), position: state.header.position };
    return available === 0 ? undefined : { what: lack(available, SESSION_HEADER_BYTES, "a frame's header"), position };
  }

  #lackOfPayload(state: StateOf<"landing" | "payload" | "nothing">): string {
    const { size } = state.header;
    if (state.awaits === "payload") return lack(state.filled, size, "a frame's payload");
    const come = this.#scratch.available + (state.awaits === "nothing" ? size - state.left : 0);
    return lack(come, size, "a frame's payload");
  }

  /** How many bytes may be put into `want()`. */
  #room(): number {
    const state = this.#state;
    if (state.awaits === "payload") return state.header.size - state.filled;
    return state.awaits === "landing" ? 0 : this.#scratch.free;
  }

  #step(state: State): Step {
    if (state.awaits === "header") return this.#header();
    if (state.awaits === "payload") return this.#payload(state);
    if (state.awaits === "nothing") return this.#nothing(state);
    return state.awaits === "preface" ? this.#preface() : "more";
  }

  #preface(): Step {
    const scratch = this.#scratch;
    if (scratch.available < SESSION_MAGIC.length) return "more";
    if (SESSION_MAGIC.some((byte, at) => scratch.peekU8(at) !== byte)) {
      throw new ProtocolError("bad-magic", "a session does not begin like this", scratch.position);
    }
    scratch.skip(SESSION_MAGIC.length);
    this.#state = HEADER;
    return "on";
  }

  #header(): Step {
    if (this.#scratch.available < SESSION_HEADER_BYTES) return "more";
    const header = readHeader(this.#scratch);
    assertHeader(header, this);
    if (header.type >= OPTIONAL) {
      this.#state = { awaits: "nothing", header, left: header.size };
      return "on";
    }
    if (header.size === 0) return withoutPayload(header);
    if (header.type !== DATA) {
      this.#fill(header, new Uint8Array(header.size)); // a message or a digest: its size was found to be small
      return "on";
    }
    this.#state = { awaits: "landing", header };
    const { disk, offset, length, position } = header;
    return { type: "payload", disk, offset, length, position };
  }

  #fill(header: PlacedHeader, buffer: Uint8Array): void {
    const filled = this.#scratch.copyTo(buffer.subarray(0, header.size));
    this.#state = { awaits: "payload", header, buffer, filled };
  }

  #payload({ header, buffer, filled }: StateOf<"payload">): Step {
    const { type, disk, offset, length, size, position } = header;
    if (filled < size) return "more";
    const data = buffer.subarray(0, size);
    const isUnchecked = type === DATA && header.payloadCrc === 0 && this.dataChecksums !== "present";
    if (!isUnchecked && this.#crc32(data) !== header.payloadCrc) {
      throw new ProtocolError("bad-checksum", `a payload of ${size} bytes is not the one that was sent`, position);
    }
    this.#state = HEADER;
    if (type === DATA) return { type: "data", disk, offset, length, data, position };
    if (type === HASH) return { type: "hash", disk, offset, length, digest: data, position };
    const message = parseMessage(data, position);
    return message === undefined ? "on" : { type: "message", message, position };
  }

  #nothing(state: StateOf<"nothing">): Step {
    const bytes = Math.min(state.left, this.#scratch.available);
    this.#scratch.skip(bytes);
    state.left -= bytes;
    if (state.left > 0) return "more";
    this.#state = HEADER;
    return "on";
  }
}

/** The frame that is a header alone. */
function withoutPayload({ type, flags, disk, offset, length, position }: PlacedHeader): SessionFrame {
  if (type === HOLE) return { type: "hole", disk, offset, length, position };
  if (type === HASH) return { type: "hash", disk, offset, length, digest: "zero", position };
  if (type === ANSWER) return { type: "answer", disk, offset, length, equal: flags === ANSWER_EQUAL, position };
  if (type === ACK) return { type: "ack", written: offset, durable: length, position };
  return { type: type === PING ? "ping" : "pong", value: offset, position };
}

function lack(come: number, wanted: number, item: string): string {
  if (come >= wanted)
    throw new Error("call next() until it gives undefined (and land(), if it gave a payload), then end()");
  return `${item}: ${wanted - come} of its ${wanted} bytes are missing`;
}
