/** A frame of a session as it is on the wire, read by `docs/wire-format.md` and nothing of ours. */
export interface FrameOnWire {
  readonly kind: "data" | "hole" | "hash" | "other";
  readonly offset: number;
  readonly length: number;
  /** When its header left, milliseconds. */
  readonly at: number;
}

const MAGIC_BYTES = 8;
const HEADER_BYTES = 32;
const KINDS: Record<number, FrameOnWire["kind"]> = { 1: "data", 2: "hole", 3: "hash" };

/** Reads the frames off what one end of a session hands to its wire, whatever the pieces. */
export function createFrameReader(now: () => number) {
  const frames: FrameOnWire[] = [];
  const header = Buffer.alloc(HEADER_BYTES);
  let filled = 0;
  let toSkip = MAGIC_BYTES;

  const readHeader = (): void => {
    const offset = Number(header.readBigUInt64BE(8));
    const length = Number(header.readBigUInt64BE(16));
    frames.push({ kind: KINDS[header[0]!] ?? "other", offset, length, at: now() });
    toSkip = header.readUInt32BE(4);
    filled = 0;
  };

  const take = (segment: Uint8Array): void => {
    for (let at = 0; at < segment.length;) {
      if (toSkip > 0) {
        const skipped = Math.min(toSkip, segment.length - at);
        toSkip -= skipped;
        at += skipped;
        continue;
      }
      const piece = segment.subarray(at, at + HEADER_BYTES - filled);
      header.set(piece, filled);
      filled += piece.length;
      at += piece.length;
      if (filled === HEADER_BYTES) readHeader();
    }
  };

  return {
    frames: frames as readonly FrameOnWire[],
    /** Another connection begins. */
    restart(): void {
      toSkip = MAGIC_BYTES;
      filled = 0;
    },
    take(data: readonly Uint8Array[]): void {
      for (const segment of data) take(segment);
    },
  };
}
