import { naiveFrame } from "./naive-classic.ts";

const START = 0x01;
const PART = 0x02;
const END = 0x03;
const FULL = 0x04;
const SUBSECTION = 0x05;
const CONFIGURATION = 0x07;
const COMMAND = 0x08;
const FOOTER = 0x7e;

const PAGE_SIZE = 4096;

/**
 * The bodies of the block sections of a stream captured from QEMU, one after the other: a bare classic stream. RAM between
 * them is parsed only as far as it must be to find its end. It stops behind the block section's END, or at the capture's
 * end; anything that it does not understand before that is an `Error`.
 */
export function blockBodies(stream: Uint8Array): Uint8Array {
  const cursor = new Cursor(stream);
  if (cursor.u32() !== 0x5145564d || cursor.u32() !== 3) throw new Error("no QEMU migration stream, version 3");
  const sections = new Map<number, string>();
  const bodies: Uint8Array[] = [];
  for (let ended = false; !ended && cursor.at < stream.length;) {
    const at = cursor.at;
    const type = cursor.u8();
    if (type === CONFIGURATION) cursor.skip(cursor.u32());
    else if (type === SUBSECTION) skipSubsection(cursor);
    else if (type === COMMAND) skipCommand(cursor);
    else if (type === START || type === PART || type === END) {
      const id = cursor.u32();
      if (type === START) sections.set(id, startedSection(cursor));
      const name = sections.get(id);
      if (name === "block") bodies.push(blockBody(cursor));
      else if (name === "ram") skipRamBody(cursor);
      else throw new Error(`section ${id} '${name}' at byte ${at} is not understood`);
      skipFooter(cursor, id);
      ended = type === END && name === "block";
    } else if (type === FULL) throw new Error(`a device's section at byte ${at}, before the end of the block section`);
    else throw new Error(`no section type: ${type} at byte ${at}`);
  }
  return joined(bodies);
}

function startedSection(cursor: Cursor): string {
  const name = cursor.text();
  cursor.skip(4 + 4); // instance, version
  return name;
}

function blockBody(cursor: Cursor): Uint8Array {
  const start = cursor.at;
  for (;;) {
    const read = naiveFrame(cursor.stream, cursor.at);
    if ("code" in read) throw new Error(`${read.code} at byte ${read.position} of the capture`);
    cursor.at = read.end;
    if (read.frame.type === "eos") return cursor.stream.subarray(start, cursor.at);
  }
}

function skipRamBody(cursor: Cursor): void {
  for (;;) {
    const at = cursor.at;
    const word = cursor.u64();
    const flags = Number(word % 4096n);
    if (flags === 0x10) return;
    if (flags === 0x04) {
      skipRamBlocks(cursor, word - 4n);
      continue;
    }
    if ((flags & 0x20) === 0) cursor.text();
    const kind = flags & ~0x20;
    if (kind === 0x02) cursor.skip(1);
    else if (kind === 0x08) cursor.skip(PAGE_SIZE);
    else throw new Error(`ram flags ${flags} at byte ${at} are not understood`);
  }
}

function skipRamBlocks(cursor: Cursor, total: bigint): void {
  for (let left = total; left > 0n;) {
    cursor.text();
    left -= cursor.u64();
  }
}

function skipSubsection(cursor: Cursor): void {
  const name = cursor.text();
  cursor.skip(4); // version
  if (name === "configuration/target-page-bits") cursor.skip(4);
  else if (name === "configuration/uuid") cursor.skip(16);
  else if (name === "configuration/capabilities") for (let left = cursor.u32(); left > 0; left--) cursor.text();
  else throw new Error(`subsection '${name}' is not understood`);
}

function skipCommand(cursor: Cursor): void {
  cursor.skip(2); // which
  cursor.skip(cursor.u16());
}

function skipFooter(cursor: Cursor, id: number): void {
  if (cursor.stream[cursor.at] !== FOOTER) return;
  cursor.skip(1);
  if (cursor.u32() !== id) throw new Error(`a footer before byte ${cursor.at} is not section ${id}'s`);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

class Cursor {
  at = 0;
  readonly stream: Uint8Array;
  readonly #view: DataView;

  constructor(stream: Uint8Array) {
    this.stream = stream;
    this.#view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  }

  skip(bytes: number): number {
    const at = this.at;
    this.at += bytes;
    if (this.at > this.stream.length) throw new Error(`the capture ends before byte ${this.at}`);
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.skip(1));
  }

  u16(): number {
    return this.#view.getUint16(this.skip(2));
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.skip(8));
  }

  text(): string {
    const length = this.u8();
    const at = this.skip(length);
    return new TextDecoder().decode(this.stream.subarray(at, at + length));
  }
}
