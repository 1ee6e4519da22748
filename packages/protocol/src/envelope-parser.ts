import type { ClassicParser } from "./classic-parser.ts";
import type { EnvelopeFrame, EnvelopeSectionKind } from "./envelope-frame.ts";
import { readCommand, readConfiguration, readHeader, readSectionId, readSectionStart } from "./envelope-items.ts";
import { type Section, Sections } from "./envelope-sections.ts";
import { Subsections } from "./envelope-subsections.ts";
import { COMMAND, CONFIGURATION, END, EOF, FOOTER, FULL, PART, START } from "./envelope-wire.ts";
import { ProtocolError } from "./protocol-error.ts";
import { RamBody } from "./ram-body.ts";
import type { Scratch } from "./scratch.ts";

/** One step's outcome: a frame, or that something was passed over, or that more bytes are needed. */
export type EnvelopeStep = EnvelopeFrame | "on" | "more";

/** What the parser waits for, with what the next step needs. */
type State =
  | { readonly awaits: "header" }
  | { readonly awaits: "first item" }
  | { readonly awaits: "item" }
  | { readonly awaits: "subsections"; readonly subsections: Subsections }
  | { readonly awaits: "body"; readonly kind: EnvelopeSectionKind; readonly section: Section; readonly ram?: RamBody }
  | { readonly awaits: "section end"; readonly kind: EnvelopeSectionKind; readonly section: Section }
  | { readonly awaits: "footer"; readonly section: Section }
  | { readonly awaits: "opaque" }
  | { readonly awaits: "nothing" };

type StateOf<Awaits extends State["awaits"]> = Extract<State, { readonly awaits: Awaits }>;

/** The items of an envelope over a scratch, step by step. Where no more bytes come, `missing()` says what they were. */
export class EnvelopeParser {
  readonly #scratch: Scratch;
  readonly #blocks: ClassicParser;
  readonly #keep: boolean;
  readonly #sections = new Sections();
  #state: State = { awaits: "header" };
  #ofBlock = false;

  constructor(scratch: Scratch, blocks: ClassicParser, keep: boolean) {
    this.#scratch = scratch;
    this.#blocks = blocks;
    this.#keep = keep;
  }

  /** Whether the last step was in a block section, between the type of its head and the last byte of its footer. */
  get ofBlock(): boolean {
    return this.#ofBlock;
  }

  step(): EnvelopeStep {
    const state = this.#state;
    this.#ofBlock = "section" in state && state.section.name === "block";
    switch (state.awaits) {
      case "header":
        return this.#then(readHeader(this.#scratch), { awaits: "first item" });
      case "first item":
      case "item":
        return this.#item(state.awaits === "first item");
      case "subsections":
        if (!state.subsections.pass()) return "more";
        return this.#on({ awaits: "item" });
      case "body":
        return state.ram ? this.#ram(state, state.ram) : this.#block(state);
      case "section end":
        return this.#sectionEnd(state);
      case "footer":
        return this.#footer(state.section);
      case "opaque":
        this.#state = { awaits: "nothing" };
        return { type: "opaque", position: this.#scratch.position };
      case "nothing":
        this.#scratch.skip(this.#scratch.available);
        return "more";
    }
  }

  /** What a stream that ends here lacks, as a sentence, and since which byte; undefined where it may end. */
  missing(): { readonly what: string; readonly position: number } | undefined {
    const state = this.#state;
    if (state.awaits === "nothing") return undefined;
    const { available, position } = this.#scratch;
    if (state.awaits === "footer" && available === 0 && this.#isLast()) return undefined;
    const frame = state.awaits === "body" && !state.ram ? this.#blocks.missing() : undefined;
    if (frame) return { what: `inside a frame: ${frame.what}`, position: frame.position };
    if ("section" in state) return { what: `inside section "${state.section.name}"`, position };
    return { what: `${available > 0 ? "inside an item, " : ""}before the block section has ended`, position };
  }

  #item(first: boolean): EnvelopeStep {
    if (this.#scratch.available < 1) return "more";
    const type = this.#scratch.peekU8();
    if (type === START) return this.#start("start");
    if (type === FULL) return this.#start("full");
    if (type === PART) return this.#goOn("part");
    if (type === END) return this.#goOn("end");
    if (type === COMMAND) return this.#then(readCommand(this.#scratch), { awaits: "item" });
    if (type === CONFIGURATION && first) return this.#configuration();
    if (type === EOF) this.#sections.eof(this.#scratch.position);
    const what = type === CONFIGURATION ? "a configuration that does not come first" : "no section may begin with that";
    throw new ProtocolError("bad-section", `type 0x${type.toString(16)}: ${what}`, this.#scratch.position);
  }

  #configuration(): EnvelopeStep {
    const subsections = new Subsections(this.#scratch);
    return this.#then(readConfiguration(this.#scratch), { awaits: "subsections", subsections });
  }

  #start(kind: "start" | "full"): EnvelopeStep {
    const position = this.#scratch.position;
    const section = readSectionStart(this.#scratch);
    if (!section) return "more";
    this.#sections.start(section, kind, position);
    return this.#begin(kind, section, position);
  }

  #goOn(kind: "part" | "end"): EnvelopeStep {
    const position = this.#scratch.position;
    const id = readSectionId(this.#scratch);
    if (id === undefined) return "more";
    return this.#begin(kind, this.#sections.started(id, position), position);
  }

  #begin(kind: EnvelopeSectionKind, section: Section, position: number): EnvelopeStep {
    this.#ofBlock = section.name === "block";
    this.#state = this.#ofBlock
      ? { awaits: "body", kind, section }
      : { awaits: "body", kind, section, ram: new RamBody(this.#scratch) };
    return { type: "section", kind, ...section, position };
  }

  #block({ kind, section }: StateOf<"body">): EnvelopeStep {
    const frame = this.#blocks.next();
    if (!frame) return "more";
    if (frame.type === "eos") this.#state = { awaits: "section end", kind, section };
    return frame;
  }

  #sectionEnd({ kind, section }: StateOf<"section end">): EnvelopeStep {
    this.#end(kind, section);
    return { type: "section-end", kind, id: section.id, name: section.name, position: this.#scratch.position };
  }

  #ram({ kind, section }: StateOf<"body">, ram: RamBody): EnvelopeStep {
    if (!ram.pass()) return "more";
    this.#end(kind, section);
    const { id, name } = section;
    return { type: "section-end", kind, id, name, pages: ram.pages, position: this.#scratch.position };
  }

  #end(kind: EnvelopeSectionKind, section: Section): void {
    if (kind === "end" || kind === "full") this.#sections.end(section.id);
    this.#state = { awaits: "footer", section };
  }

  #footer(section: Section): EnvelopeStep {
    const scratch = this.#scratch;
    if (scratch.available < 1) return "more";
    if (scratch.peekU8() !== FOOTER) return this.#on(this.#afterFooter());
    const position = scratch.position;
    const id = readSectionId(scratch);
    if (id === undefined) return "more";
    if (id === section.id) return this.#on(this.#afterFooter());
    throw new ProtocolError("bad-section", `a footer of section ${id} behind section ${section.id}`, position);
  }

  #afterFooter(): State {
    return { awaits: this.#isLast() ? "opaque" : "item" };
  }

  /** Whether nothing behind this section's footer is of interest. */
  #isLast(): boolean {
    return this.#keep ? this.#sections.allEnded : this.#sections.blockEnded;
  }

  #then(frame: EnvelopeFrame | undefined, state: State): EnvelopeStep {
    if (!frame) return "more";
    this.#state = state;
    return frame;
  }

  #on(state: State): "on" {
    this.#state = state;
    return "on";
  }
}
