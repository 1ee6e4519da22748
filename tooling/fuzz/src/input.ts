/** The longest input, bytes: short ones find as much, and there can be more of them. */
export const MOST_INPUT_BYTES = 72 * 1024;

const HALF = 2 ** 32;
const text = new TextEncoder();

/** Where inputs are made, one after the other, in the same memory. Numbers are big-endian; what does not fit is left out. */
export class Input {
  readonly bytes: Uint8Array = new Uint8Array(MOST_INPUT_BYTES);
  readonly view: DataView = new DataView(this.bytes.buffer);
  length = 0;

  /** A view, good until the next input is made. */
  get made(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  u8(value: number): this {
    if (this.length < MOST_INPUT_BYTES) this.bytes[this.length++] = value;
    return this;
  }

  u16(value: number): this {
    return this.u8(value >>> 8).u8(value);
  }

  u32(value: number): this {
    return this.u16(value >>> 16).u16(value);
  }

  /** A whole number below 2^53, or -1 for all ones. */
  u64(value: number): this {
    return this.u32(Math.floor(value / HALF)).u32(value % HALF);
  }

  put(bytes: ArrayLike<number>): this {
    const length = Math.min(bytes.length, MOST_INPUT_BYTES - this.length);
    for (let at = 0; at < length; at++) this.bytes[this.length + at] = bytes[at]!;
    this.length += length;
    return this;
  }

  /** Writes a number that is known only now over one that was written before; past the end, nowhere. */
  patch(at: number, value: number): void {
    if (at >= 0 && at + 4 <= this.length) this.view.setUint32(at, value);
  }

  /** UTF-8. */
  say(words: string): this {
    this.length += text.encodeInto(words, this.bytes.subarray(this.length)).written;
    return this;
  }

  /** UTF-8 behind its length in one byte. */
  name(words: string): this {
    const at = this.length;
    this.u8(0).say(words);
    this.bytes[at] = this.length - at - 1;
    return this;
  }

  fill(value: number, count: number): this {
    const end = Math.min(this.length + count, MOST_INPUT_BYTES);
    this.bytes.fill(value, this.length, end);
    this.length = end;
    return this;
  }

  become(bytes: Uint8Array): void {
    this.length = 0;
    this.put(bytes);
  }
}
