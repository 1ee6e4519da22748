import type { Segments } from "@blkmig/protocol";

/**
 * A wire's format: what one source needs to know to speak it. The planner asks for units; the format makes the bytes.
 * Every result is the caller's; block payloads are the caller's own views.
 */
export interface Wire {
  readonly name: string;
  /** Bytes: the unit of sending, a power of two. */
  readonly unit: number;
  /** Whether a unit of zeroes has a frame of its own. Otherwise it is sent as data. */
  readonly zeroes: boolean;
  /** The most zero units in one piece of stream. */
  readonly zeroRun: number;
  setup(): Segments;
  /** `data`: exactly one unit, zero-padded behind the disk's end. */
  block(disk: string, offset: number, data: Uint8Array): Segments;
  zeroBlocks(disk: string, offset: number, count: number): Segments;
  progress(percent: number): Segments;
  endOfSection(): Segments;
  /** The last frames: whoever reads them may commit. */
  last(): Segments;
}
