/** Bytes in order, in pieces, never joined. */
export type Segments = readonly Uint8Array[];

/** A run of bytes of one kind. */
export interface Extent {
  /** Bytes from the disk's start. */
  readonly offset: number;
  readonly length: number;
  /** Reads back as zero for certain: the only thing that permits skipping a read. */
  readonly zero: boolean;
  /** Has storage of its own. An unallocated extent of an overlay is the base's data, not zero. */
  readonly allocated: boolean;
}

/** How a run of zeroes may come to be. */
export interface ZeroOptions {
  /** Whether storage may be given back (a hole punched). Default true. Either way it reads back as zero. */
  readonly unmap?: boolean;
  /** Only if that is faster than writing zeroes; else throws `DeviceError` `not-supported` and changes nothing. Default false. */
  readonly fast?: boolean;
}

/** A disk. Offsets and lengths are bytes; a request that leaves the disk is a `RangeError`, before any I/O. */
export interface BlockDevice {
  readonly name: string;
  /** Bytes; asked for once, when the device is opened. */
  readonly size: number;
  /** Bytes: the sector that the disk itself counts in, where it says so. A partition table on it means these. */
  readonly sectorSize?: number;
  readonly readOnly: boolean;
  /** Fills all of `into`, borrowed until it settles, or throws `DeviceError`. */
  read(offset: number, into: Uint8Array): Promise<void>;
  /** Writes all segments one after the other, borrowed until it settles, or throws `DeviceError`. */
  write(offset: number, data: Segments): Promise<void>;
  /** Makes the extent read back as zero, whatever was there. */
  zero(offset: number, length: number, options?: ZeroOptions): Promise<void>;
  /** What is known of `length` bytes at `offset`: in order, without gaps or overlaps, clipped to the request. */
  extents(offset: number, length: number): AsyncIterable<Extent>;
  /** Everything written before the call is on stable storage when it settles. */
  flush(): Promise<void>;
  /** Waits for requests under way, then lets go. Later requests throw `DeviceError` `closed`. Twice is once. */
  close(): Promise<void>;
}
