import { encodeDeviceName } from "./device-name.ts";
import {
  COMMAND,
  CONFIGURATION,
  END,
  EOF,
  FOOTER,
  MAGIC,
  MAX_MACHINE_BYTES,
  OPEN_RETURN_PATH,
  PART,
  PING,
  START,
  VERSION,
  VM_DESCRIPTION,
} from "./envelope-wire.ts";
import type { Segments } from "./segments.ts";

/** What the start of a section says; its parts and its end say only the id. */
export interface SectionStart {
  /** The sender's own number for the section, u32. */
  readonly id: number;
  /** 1 to 255 bytes of UTF-8: "block". */
  readonly name: string;
  readonly instance: number;
  /** 1 for "block". */
  readonly version: number;
}

/** How every migration stream of QEMU's begins: "QEVM", version 3. Like all these encoders' results, fresh memory that the caller owns. */
export function encodeEnvelopeHeader(): Segments {
  return [Uint8Array.from([...u32(MAGIC), ...u32(VERSION)])];
}

/**
 * The machine type, without subsections. QEMU as a receiver takes an empty one, or any beginning of its own.
 *
 * @throws RangeError if the name has more than 256 bytes of UTF-8.
 */
export function encodeConfiguration(machine: string): Segments {
  const name = new TextEncoder().encode(machine);
  if (name.length > MAX_MACHINE_BYTES) {
    throw new RangeError(`a machine's name must be at most ${MAX_MACHINE_BYTES} bytes of UTF-8, not ${name.length}`);
  }
  return [Uint8Array.from([CONFIGURATION, ...u32(name.length), ...name])];
}

/** Asks the receiver to answer: PONG for each PING, and SHUT at the end. */
export function encodeOpenReturnPath(): Segments {
  return [Uint8Array.from([COMMAND, ...u16(OPEN_RETURN_PATH), ...u16(0)])];
}

/**
 * Asks for a PONG with the same number, once everything before it has been consumed.
 *
 * @throws RangeError unless `value` is a whole number from 0 to 2^32 - 1.
 */
export function encodePing(value: number): Segments {
  return [Uint8Array.from([COMMAND, ...u16(PING), ...u16(4), ...u32(value)])];
}

/**
 * The start of a section; its first body, which `encodeEos()` ends for "block", comes next, then `encodeFooter()`.
 *
 * @throws RangeError if the name is not 1 to 255 bytes of UTF-8, or a number does not fit into 32 bits.
 */
export function encodeSectionStart({ id, name, instance, version }: SectionStart): Segments {
  const bytes = encodeDeviceName(name);
  return [Uint8Array.from([START, ...u32(id), bytes.length, ...bytes, ...u32(instance), ...u32(version)])];
}

/** A section that has started goes on; a body and a footer come next. Throws `RangeError` unless the id is a u32. */
export function encodeSectionPart(id: number): Segments {
  return [Uint8Array.from([PART, ...u32(id)])];
}

/** A section that has started comes for the last time; a body and a footer come next. Throws `RangeError` unless the id is a u32. */
export function encodeSectionEnd(id: number): Segments {
  return [Uint8Array.from([END, ...u32(id)])];
}

/** Stands behind each body. QEMU requires it, but for machine types up to 2.3. Throws `RangeError` unless the id is a u32. */
export function encodeFooter(id: number): Segments {
  return [Uint8Array.from([FOOTER, ...u32(id)])];
}

/** Behind the last section. Only the description may follow. */
export function encodeEof(): Segments {
  return [Uint8Array.of(EOF)];
}

/** What the sections of devices hold, as JSON, behind EOF. QEMU as a receiver can do without it. */
export function encodeVmDescription(json: string): Segments {
  const text = new TextEncoder().encode(json);
  return [Uint8Array.from([VM_DESCRIPTION, ...u32(text.length)]), text];
}

function u16(value: number): number[] {
  return [value >>> 8, value & 0xff];
}

function u32(value: number): number[] {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new RangeError(`a number on the wire must be a whole one from 0 to 4294967295, not ${value}`);
  }
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}
