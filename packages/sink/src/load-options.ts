import type { BlockDevice } from "@blkmig/device/memory";
import type { ClassicGeneration, Segments } from "@blkmig/protocol";

/** A target, under the name that the stream has for it. */
export interface SinkDisk {
  readonly name: string;
  readonly device: BlockDevice;
}

/** The wire as two plain shapes; a `Connection` of `@blkmig/transport` is one. */
export interface SinkWire {
  /** Fills some of `into`, borrowed until it settles; 0 when the peer has finished. */
  read(into: Uint8Array): Promise<number>;
  /** Where the answer goes; leave it out where nobody reads it (a file). */
  send?(data: Segments): Promise<void>;
}

/** What a sink may hold in memory. */
export interface SinkLimits {
  /** Bytes received and not yet written. Default 32 MiB, at least one block. */
  readonly bufferedBytes?: number;
}

/** What to load, from where, and within which limits. */
export interface LoadOptions {
  readonly disks: readonly SinkDisk[];
  readonly wire: SinkWire;
  /** What the stream may hold. Default 1.1, which reads 1.0 as well. */
  readonly generation?: ClassicGeneration;
  /** The sender leaves out what it shares with us, so missing blocks are no error. Default false. */
  readonly incremental?: boolean;
  readonly limits?: SinkLimits;
  /** Ends the load as `cancelled`; the caller then destroys the wire. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: LoadEvent) => void;
}

/** What happened, told while it happens. A listener must not throw and is not awaited. */
export type LoadEvent =
  | { readonly type: "progress"; readonly percent: number; readonly progress: LoadProgress }
  | { readonly type: "section"; readonly progress: LoadProgress } // an end of section that had blocks
  | { readonly type: "flushing"; readonly progress: LoadProgress };

/** Bytes of disk, rewrites included; `transferred` counts bytes of the stream. */
export interface LoadProgress {
  readonly transferred: number;
  /** Bytes of all targets, and how many of them are covered. */
  readonly total: number;
  readonly covered: number;
  readonly disks: readonly {
    readonly name: string;
    readonly size: number;
    readonly covered: number;
    readonly dataBytes: number;
    readonly zeroBytes: number;
  }[];
}

/** Every block of every disk is there and durable. */
export interface LoadResult extends LoadProgress {
  /** Whether the sender was told. False where the wire goes one way, or broke after the last frame. */
  readonly answered: boolean;
}
