/** Bytes in order, in pieces, never joined. A function that takes segments says how long it borrows them. */
export type Segments = readonly Uint8Array[];

/** The number of bytes in all segments together. */
export function segmentsLength(segments: Segments): number {
  let bytes = 0;
  for (const segment of segments) bytes += segment.length;
  return bytes;
}
