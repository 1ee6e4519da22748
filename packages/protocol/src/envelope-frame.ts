import type { ClassicFrame } from "./classic-frame.ts";

/**
 * One item of QEMU's migration stream, as decoded. `position` is the stream's byte at which it began. The frames between a
 * `section` and a `section-end` named "block" are those of the classic stream.
 */
export type EnvelopeFrame =
  | EnvelopeHeader
  | EnvelopeConfiguration
  | EnvelopeCommand
  | EnvelopeSection
  | EnvelopeSectionEnd
  | EnvelopeMachine
  | EnvelopeOpaque
  | ClassicFrame;

/** How a section begins: once (`start`), in the middle (`part`), for the last time (`end`), or all at once (`full`). */
export type EnvelopeSectionKind = "start" | "full" | "part" | "end";

/** "QEVM", version 3. */
export interface EnvelopeHeader {
  readonly type: "header";
  readonly position: number;
}

/** The machine type. Its subsections are understood and passed over. QEMU leaves it out for machine types up to 2.3. */
export interface EnvelopeConfiguration {
  readonly type: "configuration";
  /** As "pc-i440fx-7.2"; may be empty. */
  readonly machine: string;
  readonly position: number;
}

/** The sender asks for the return path, or for a PONG on it. */
export interface EnvelopeCommand {
  readonly type: "command";
  readonly command: "open-return-path" | "ping";
  /** The number of the ping, which the PONG must carry; else 0. */
  readonly value: number;
  readonly position: number;
}

/** A section begins, "block" or "ram": its body comes next. */
export interface EnvelopeSection {
  readonly type: "section";
  readonly kind: EnvelopeSectionKind;
  readonly id: number;
  /** As it was said at the start; a part and an end say only the id. */
  readonly name: string;
  readonly instance: number;
  readonly version: number;
  readonly position: number;
}

/** A section's body has ended at `position`, where its footer begins if it has one. */
export interface EnvelopeSectionEnd {
  readonly type: "section-end";
  readonly kind: EnvelopeSectionKind;
  readonly id: number;
  readonly name: string;
  /** How many pages the body of a ram section had; not there for a block section. */
  readonly pages?: RamPages;
  readonly position: number;
}

/** Pages of RAM, counted by how they were sent. */
export interface RamPages {
  readonly zero: number;
  readonly plain: number;
  readonly xbzrle: number;
  readonly compressed: number;
}

/**
 * Only with `keep`: bytes of the stream that are no part of a block section, in order. Together they are the stream with
 * the block sections cut out. Those of an item come before its own frame.
 */
export interface EnvelopeMachine {
  readonly type: "machine";
  /** A view, good until the next call of any of the decoder's methods. */
  readonly bytes: Uint8Array;
  readonly position: number;
}

/** Comes once: from here to the wire's end nothing is parsed any more. */
export interface EnvelopeOpaque {
  readonly type: "opaque";
  readonly position: number;
}
