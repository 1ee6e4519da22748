/** How long the scratch of a stream's decoder is: some 2000 zero frames, and little to copy out where a payload begins. */
export const SCRATCH_BYTES: number = 32 * 1024;

/**
 * The memory in which headers are awaited: filled at one end, read field by field at the other. It knows at which byte of
 * the stream it stands. The fields' methods do not look whether enough has come: ask `available` first.
 */
export class Scratch {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #start = 0;
  #end = 0;
  /** The stream's byte that stands, or stood, at index 0. */
  #base = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** How many bytes have come and are not read. */
  get available(): number {
    return this.#end - this.#start;
  }

  /** The stream's byte that is read next. */
  get position(): number {
    return this.#base + this.#start;
  }

  /** How many bytes can still come before something must be read. */
  get free(): number {
    return this.bytes.length - this.available;
  }

  /** Where the next bytes belong: all that is free, behind what is not read, which moves to the front. */
  room(): Uint8Array {
    this.#moveToFront();
    return this.bytes.subarray(this.#end);
  }

  /** Says that `bytes` bytes came into `room()`. */
  fill(bytes: number): void {
    this.#moveToFront();
    this.#end += bytes;
  }

  /** The index in `bytes` of what is read next. It stays where it is until `room()` or `fill()` is called. */
  get index(): number {
    return this.#start;
  }

  /** The next byte, or one `at` bytes behind it, not read. */
  peekU8(at = 0): number {
    return this.#view.getUint8(this.#start + at);
  }

  peekU16(at: number): number {
    return this.#view.getUint16(this.#start + at);
  }

  peekU32(at: number): number {
    return this.#view.getUint32(this.#start + at);
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

  /** Passes over `bytes` bytes; returns the index in `bytes` of the first of them. */
  skip(bytes: number): number {
    const index = this.#start;
    this.#start += bytes;
    return index;
  }

  /** Copies out as much as there is and `into` takes; returns how much that was. */
  copyTo(into: Uint8Array): number {
    const length = Math.min(this.available, into.length);
    const index = this.skip(length);
    into.set(this.bytes.subarray(index, index + length));
    return length;
  }

  /** Says that `bytes` bytes of the stream went elsewhere. Only while nothing is `available`. */
  passBy(bytes: number): void {
    this.#base += bytes;
  }

  #moveToFront(): void {
    if (this.#start === 0) return;
    this.bytes.copyWithin(0, this.#start, this.#end);
    this.#base += this.#start;
    this.#end -= this.#start;
    this.#start = 0;
  }
}
