import type { Segments } from "@blkmig/protocol";

/**
 * A wire's format, the strategy given to a source: its unit of sending and its frames. It holds no state, so one serves
 * many migrations. Segments are the caller's for good; a block's payload in them is the caller's own view.
 */
export interface WireFormat {
  /** For messages: `classic 1.1`. */
  readonly name: string;
  /** Bytes: the unit of sending, a power of two. */
  readonly unit: number;
  /** Whether units of zeroes have a frame of their own. Otherwise they are sent as data. */
  readonly zeroes: boolean;
  /** Throws `RangeError` for a disk name that the wire cannot carry. */
  assertName(disk: string): void;
  /** The frames that open a stream. */
  setup(): Segments;
  /** `data` is exactly one unit, zero behind the disk's end. */
  block(disk: string, offset: number, data: Uint8Array): Segments;
  /** `count` neighbouring units that are all zero. */
  zeroBlocks(disk: string, offset: number, count: number): Segments;
  progress(percent: number): Segments;
  /** What stands before the first frame of each section behind the setup; empty where nothing does. */
  beginSection(): Segments;
  endOfSection(): Segments;
  /** What makes the receiver say `value` on the return path once it has taken all before it; absent where it cannot. */
  ping?(value: number): Segments;
  /**
   * Whether the last frames say themselves that nothing follows: the wire is then finished after the answer. A QEMU closes
   * without reading on, and in TLS our goodbye, unread, would make a reset of that and take its answer back.
   */
  readonly saysItsEnd?: boolean;
  /** The last frames, a section of their own: whoever has read them may commit. */
  last(): Segments;
}
