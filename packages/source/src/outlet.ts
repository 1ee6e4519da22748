import type { Run } from "@blkmig/device";

import type { DiskWork } from "./disk-work.ts";

/** What was handed to the wire. Both reject alike. */
export interface Delivery {
  /** The wire has taken it: its memory may be reused. */
  readonly taken: Promise<void>;
  /** The sink has it: its flight is over. On a wire without acknowledgements that is when it was taken. */
  readonly landed: Promise<void>;
}

/** Where frames leave; a strategy: a classic stream, or a session over as many connections as it takes. */
export interface Outlet {
  /** Bytes: the grain of what must be sent, a power of two. */
  readonly unit: number;
  /** The longest run that is read and sent at once: bytes, a multiple of `unit`. */
  readonly mostBytes: number;
  /** How much the disk is asked about, and what is sent as zero, in one go: at first, and at most. Bytes. */
  readonly firstAsk: number;
  readonly mostAsk: number;
  /** Whether units of zeroes have a frame of their own. Otherwise they are data. */
  readonly zeroes: boolean;
  /** Whether more may be read for it now; false while too much is not acknowledged. */
  readonly open: boolean;
  /**
   * Bytes that may be read and have not landed, on a wire that carries so many bytes a second and takes at least so many
   * milliseconds for one run. Absent where only the limits count.
   */
  mostUnderWay?(bytesPerSecond: number, quickestMs: number): number;
  /** Bytes of stream handed to the wire. */
  readonly transferred: number;
  /** Of these, bytes that the receiver has said it took; undefined where it cannot say. */
  readonly acknowledged: number | undefined;
  /** Sends a run; `buffer` begins with its bytes, and may be changed behind them. */
  data(work: DiskWork, run: Run, buffer: Uint8Array): Delivery;
  /** Sends a run that reads as zero; `bytes` is what that costs on the wire. */
  zero(work: DiskWork, run: Run): Delivery & { readonly bytes: number };
  /** Asks whether the sink has the same there. Only where something is claimed of the sink. */
  hash?(work: DiskWork, run: Run, bytes: Uint8Array | "zero"): Promise<boolean>;
  /** Opens the stream. */
  begin(): void;
  /** Tells how far the bulk phase is, where the wire has a word for it. */
  progress?(percent: number): void;
  /** What was sent so far may be told as one section. */
  endTurn(): void;
  endPass(): void;
  /** The receiver has answered a ping of the stream's. */
  acknowledge?(ping: number): void;
  /** The last frames: whoever has read them may commit. */
  last(): void;
}
