import { type Connection, memoryPair } from "@blkmig/transport/memory";

import type { Piece } from "./transcript.ts";

/** Both ends of a wire in memory that keeps what goes over it. */
export interface TappedWire {
  readonly source: Connection;
  readonly sink: Connection;
  readonly kept: { readonly source: readonly Piece[]; readonly sink: readonly Piece[] };
  /** How much of the other direction each end has read so far. */
  readonly read: { readonly source: number; readonly sink: number };
}

export function tappedWire(): TappedWire {
  const [near, far] = memoryPair();
  const kept = { source: [] as Piece[], sink: [] as Piece[] };
  const read = { source: 0, sink: 0 };
  const tap = (end: Connection, who: "source" | "sink"): Connection => ({
    ...end,
    async send(data: readonly Uint8Array[]) {
      kept[who].push({ after: read[who], bytes: Buffer.concat(data) });
      await end.send(data);
    },
    async read(into) {
      const bytes = await end.read(into);
      read[who] += bytes;
      return bytes;
    },
  });
  return { source: tap(near, "source"), sink: tap(far, "sink"), kept, read };
}
