import { decodeText } from "./device-name.ts";
import type { EnvelopeCommand, EnvelopeConfiguration, EnvelopeHeader } from "./envelope-frame.ts";
import type { Section } from "./envelope-sections.ts";
import { MAGIC, MAX_MACHINE_BYTES, OPEN_RETURN_PATH, PING, VERSION } from "./envelope-wire.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { Scratch } from "./scratch.ts";

/*
 * The envelope's items that are short enough to be awaited whole. Each gives undefined, and has read nothing, until the
 * item has come; each throws `ProtocolError`.
 */

/** u32 magic, u32 version. */
export function readHeader(scratch: Scratch): EnvelopeHeader | undefined {
  if (scratch.available < 8) return undefined;
  const position = scratch.position;
  const magic = scratch.u32();
  if (magic !== MAGIC) {
    const found = `0x${magic.toString(16).padStart(8, "0")}`;
    const hint = "multifd and postcopy-preempt open further connections: are they off in QEMU?";
    throw new ProtocolError("bad-magic", `the stream begins with ${found}, not with "QEVM": ${hint}`, position);
  }
  const version = scratch.u32();
  if (version === VERSION) return { type: "header", position };
  throw new ProtocolError("unsupported", `a migration stream of version ${version}; only 3 is understood`, position);
}

/** u8 type, u32 length, the machine's name. */
export function readConfiguration(scratch: Scratch): EnvelopeConfiguration | undefined {
  if (scratch.available < 5) return undefined;
  const position = scratch.position;
  const length = scratch.peekU32(1);
  if (length > MAX_MACHINE_BYTES) {
    const message = `a machine's name of ${length} bytes: ${MAX_MACHINE_BYTES} are the most`;
    throw new ProtocolError("bad-section", message, position);
  }
  if (scratch.available < 5 + length) return undefined;
  scratch.skip(5);
  return { type: "configuration", machine: text(scratch, length, "a machine's name"), position };
}

/** u8 type, u16 command, u16 length, data. */
export function readCommand(scratch: Scratch): EnvelopeCommand | undefined {
  if (scratch.available < 5) return undefined;
  const position = scratch.position;
  const number = scratch.peekU16(1);
  const length = scratch.peekU16(3);
  if (number !== OPEN_RETURN_PATH && number !== PING) {
    throw new ProtocolError("unsupported", unsupportedCommand(number), position);
  }
  const command = number === PING ? "ping" : "open-return-path";
  const expected = number === PING ? 4 : 0;
  if (length !== expected) {
    const message = `the command ${command} has ${length} bytes of data, not ${expected}`;
    throw new ProtocolError("bad-section", message, position);
  }
  if (scratch.available < 5 + length) return undefined;
  scratch.skip(5);
  return { type: "command", command, value: number === PING ? scratch.u32() : 0, position };
}

/** u8 type, u32 id, u8 length, the section's name, u32 instance, u32 version. */
export function readSectionStart(scratch: Scratch): Section | undefined {
  if (scratch.available < 6) return undefined;
  const length = scratch.peekU8(5);
  if (scratch.available < 6 + length + 8) return undefined;
  scratch.skip(1);
  const id = scratch.u32();
  scratch.skip(1);
  const name = text(scratch, length, "a section's name");
  return { id, name, instance: scratch.u32(), version: scratch.u32() };
}

/** u8 type, u32 id: the begin of a part or an end, and a whole footer. */
export function readSectionId(scratch: Scratch): number | undefined {
  if (scratch.available < 5) return undefined;
  scratch.skip(1);
  return scratch.u32();
}

/** u8 type, u8 length, name, u32 version: the head of a subsection, of which the name is given. */
export function readSubsectionName(scratch: Scratch): string | undefined {
  if (scratch.available < 2) return undefined;
  const length = scratch.peekU8(1);
  if (scratch.available < 2 + length + 4) return undefined;
  scratch.skip(2);
  const name = text(scratch, length, "a subsection's name");
  scratch.skip(4);
  return name;
}

/** u8 length, name. */
export function readCapability(scratch: Scratch): string | undefined {
  if (scratch.available < 1 || scratch.available < 1 + scratch.peekU8()) return undefined;
  return text(scratch, scratch.u8(), "a capability's name");
}

function text(scratch: Scratch, length: number, what: string): string {
  const position = scratch.position;
  const start = scratch.skip(length);
  return decodeText(scratch.bytes.subarray(start, start + length), what, position);
}

const COMMANDS: Readonly<Record<number, readonly [name: string, capability: string]>> = {
  3: ["POSTCOPY_ADVISE", "postcopy-ram"],
  4: ["POSTCOPY_LISTEN", "postcopy-ram"],
  5: ["POSTCOPY_RUN", "postcopy-ram"],
  6: ["POSTCOPY_RAM_DISCARD", "postcopy-ram"],
  7: ["PACKAGED", "postcopy-ram"],
  8: ["ENABLE_COLO", "x-colo"],
  9: ["POSTCOPY_RESUME", "postcopy-ram"],
  10: ["RECV_BITMAP", "postcopy-ram"],
};

function unsupportedCommand(number: number): string {
  const known = COMMANDS[number];
  if (!known) return `the command ${number} is not understood: which of QEMU's capabilities can be turned off?`;
  return `the command ${known[0]} is not understood: turn off the capability ${known[1]} in QEMU`;
}
