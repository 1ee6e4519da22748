import { readCapability, readSubsectionName } from "./envelope-items.ts";
import { SUBSECTION } from "./envelope-wire.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { Scratch } from "./scratch.ts";

const MOST_SUBSECTIONS = 3;
const MOST_CAPABILITIES = 256;
const PAGE_BITS = 12;
const UUID_BYTES = 16;

/** Capabilities that change the ram section, or move it to another connection. */
const REFUSED: ReadonlySet<string> = new Set(["multifd", "postcopy-preempt", "x-colo", "x-ignore-shared"]);

/** What is waited for, with what the next step needs. */
type State =
  | { readonly awaits: "subsection" }
  | { readonly awaits: "body"; readonly name: string; readonly position: number }
  | { readonly awaits: "capability"; readonly left: number };

/** Passes over the subsections of the configuration, and refuses what the rest of the stream could not be read with. */
export class Subsections {
  readonly #scratch: Scratch;
  #state: State = { awaits: "subsection" };
  #count = 0;

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
  }

  /** Passes over all that has come; true at the first byte that is of no subsection. Throws `ProtocolError`. */
  pass(): boolean {
    for (;;) {
      const step = this.#step(this.#state);
      if (step === "on") continue;
      return step === "end";
    }
  }

  #step(state: State): "on" | "more" | "end" {
    if (state.awaits === "subsection") return this.#subsection();
    if (state.awaits === "capability") return this.#capability(state.left);
    return this.#body(state.name, state.position);
  }

  #subsection(): "on" | "more" | "end" {
    const scratch = this.#scratch;
    if (scratch.available < 1) return "more";
    if (scratch.peekU8() !== SUBSECTION) return "end";
    const position = scratch.position;
    if (this.#count === MOST_SUBSECTIONS) {
      throw new ProtocolError(
        "bad-section",
        `more than ${MOST_SUBSECTIONS} subsections of the configuration`,
        position,
      );
    }
    const name = readSubsectionName(scratch);
    if (name === undefined) return "more";
    this.#count++;
    this.#state = { awaits: "body", name, position };
    return "on";
  }

  #body(name: string, position: number): "on" | "more" {
    if (name === "configuration/target-page-bits") return this.#pageBits();
    if (name === "configuration/capabilities") return this.#capabilities();
    if (name === "configuration/uuid") return this.#uuid();
    throw new ProtocolError("unsupported", `the subsection ${JSON.stringify(name)} is not understood`, position);
  }

  #pageBits(): "on" | "more" {
    if (this.#scratch.available < 4) return "more";
    const position = this.#scratch.position;
    const bits = this.#scratch.u32();
    if (bits !== PAGE_BITS) {
      const message = `pages of 2^${bits} bytes are not understood, only those of 4096`;
      throw new ProtocolError("unsupported", message, position);
    }
    return this.#passed();
  }

  #uuid(): "on" | "more" {
    if (this.#scratch.available < UUID_BYTES) return "more";
    this.#scratch.skip(UUID_BYTES);
    return this.#passed();
  }

  #capabilities(): "on" | "more" {
    if (this.#scratch.available < 4) return "more";
    const position = this.#scratch.position;
    const left = this.#scratch.u32();
    if (left > MOST_CAPABILITIES) {
      const message = `${left} capabilities in the configuration: ${MOST_CAPABILITIES} are the most`;
      throw new ProtocolError("bad-section", message, position);
    }
    this.#state = { awaits: "capability", left };
    return "on";
  }

  #capability(left: number): "on" | "more" {
    if (left === 0) return this.#passed();
    const position = this.#scratch.position;
    const name = readCapability(this.#scratch);
    if (name === undefined) return "more";
    if (REFUSED.has(name)) {
      const message = `a stream with the capability ${name} is not understood: turn it off in QEMU`;
      throw new ProtocolError("unsupported", message, position);
    }
    this.#state = { awaits: "capability", left: left - 1 };
    return "on";
  }

  #passed(): "on" {
    this.#state = { awaits: "subsection" };
    return "on";
  }
}
