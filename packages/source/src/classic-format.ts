import {
  BLOCK_SIZE,
  type ClassicGeneration,
  encodeBlock,
  encodeDeviceName,
  encodeEos,
  encodeProgress,
  encodeZeroBlocks,
  type Segments,
} from "@blkmig/protocol";

import type { WireFormat } from "./wire-format.ts";

/** Which of the classic streams it is. */
export interface ClassicFormatOptions {
  /** Default 1.1. A 1.0 receiver takes a zero frame for a block and loses its place, so 1.0 never sends one. */
  readonly generation?: ClassicGeneration;
  /** QEMU's capability `zero-blocks`: default true, and false where the generation is 1.0. */
  readonly zeroBlocks?: boolean;
}

/** The classic block stream of QEMU: blocks of 1 MiB, one way, no acknowledgement. */
export function classicFormat(options: ClassicFormatOptions = {}): WireFormat {
  const generation = options.generation ?? "1.1";
  const names = new Map<string, Uint8Array>();
  const nameOf = (disk: string): Uint8Array => {
    const known = names.get(disk);
    if (known) return known;
    const name = encodeDeviceName(disk);
    names.set(disk, name);
    return name;
  };
  return {
    name: `classic ${generation}`,
    unit: BLOCK_SIZE,
    zeroes: generation === "1.1" && (options.zeroBlocks ?? true),
    assertName: (disk) => void nameOf(disk),
    setup: encodeEos,
    block: (disk, offset, data) => encodeBlock(nameOf(disk), offset, data),
    zeroBlocks: (disk, offset, count) => encodeZeroBlocks(nameOf(disk), offset, count),
    progress: encodeProgress,
    beginSection: () => [],
    endOfSection: encodeEos,
    last: (): Segments => [...encodeProgress(100), ...encodeEos()],
  };
}
