/** The address grain of the wire, in bytes. */
export const SECTOR_SIZE: number = 512;
/** The unit of sending of the classic stream, in bytes: 2048 sectors. */
export const BLOCK_SIZE: number = 1024 * 1024;
/** The longest device name that the wire can carry, in bytes of UTF-8. */
export const MAX_NAME_BYTES: number = 255;

/** 1.0 knows no zero blocks; 1.1 (QEMU 1.6 and later) does. Nothing on the wire tells which one is spoken. */
export type ClassicGeneration = "1.0" | "1.1";

/** One item of a classic stream, as decoded. `position` is the stream's byte at which it began. */
export type ClassicFrame = ClassicPayload | ClassicBlock | ClassicZero | ClassicProgress | ClassicEos;

/** The header of a block whose 1 MiB of payload comes next: check it, then `land()` a buffer for it. */
export interface ClassicPayload {
  readonly type: "payload";
  readonly device: string;
  /** Bytes from the disk's start, a multiple of 1 MiB. */
  readonly offset: number;
  readonly position: number;
}

/** A whole block: 1 MiB, also where the disk ends inside it. */
export interface ClassicBlock {
  readonly type: "block";
  readonly device: string;
  readonly offset: number;
  /** The first 1 MiB of the buffer that was landed, given back. */
  readonly data: Uint8Array;
  readonly position: number;
}

/** A block that is all zero. */
export interface ClassicZero {
  readonly type: "zero";
  readonly device: string;
  readonly offset: number;
  readonly position: number;
}

/** How far the sender's bulk phase is, 0 to 100; 100 only directly before the last end of section. */
export interface ClassicProgress {
  readonly type: "progress";
  readonly percent: number;
  readonly position: number;
}

/** The end of one section. */
export interface ClassicEos {
  readonly type: "eos";
  readonly position: number;
}
