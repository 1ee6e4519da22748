/** Buffers of one size, made when first needed and then used again; never more than `count`. */
export interface BufferPool {
  /** The length of each buffer, in bytes. */
  readonly bytes: number;
  /** A buffer, given until `give()`; waits, first come first served, while all are out. Its content is whatever it was. */
  take(): Promise<Uint8Array>;
  /** A buffer if one is free now. */
  tryTake(): Uint8Array | undefined;
  /** Gives back the very buffer that `take()` gave. */
  give(buffer: Uint8Array): void;
}
