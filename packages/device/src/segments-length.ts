import type { Segments } from "./block-device.ts";

/** The bytes of all segments together. */
export function segmentsLength(data: Segments): number {
  return data.reduce((sum, segment) => sum + segment.length, 0);
}
