import type { Extent } from "./block-device.ts";

/** The same extents, with neighbours of one kind made one, and empty ones left out. */
export async function* joinExtents(
  extents: AsyncIterable<Extent> | Iterable<Extent>,
): AsyncGenerator<Extent, void, void> {
  let held: Extent | undefined;
  for await (const extent of extents) {
    if (extent.length === 0) continue;
    if (held?.zero === extent.zero && held.allocated === extent.allocated) {
      held = { offset: held.offset, length: held.length + extent.length, zero: held.zero, allocated: held.allocated };
      continue;
    }
    if (held !== undefined) yield held;
    held = extent;
  }
  if (held !== undefined) yield held;
}
