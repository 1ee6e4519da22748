import type { Watch, Way } from "./relay.test-kit.ts";

/** Where a wire stands still: at a byte, or at a message. */
export type Place =
  | { readonly way: Way; readonly byte: number }
  | { readonly way: Way; readonly say: string; readonly edge: Edge };

/** Before a message's frame, inside of it, or when it was passed on. */
export type Edge = "before" | "amid" | "after";

/** A wire that stands still once, in both directions, at the very byte. */
export interface Halt {
  readonly watch: Watch;
  /** Settles when it stands still. */
  readonly reached: Promise<void>;
  /** Lets it go on, with what was held back. */
  release(): void;
}

const HEADER = 32;

export function haltAt(place: Place): Halt {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let stands = false;

  async function* watch(way: Way, chunk: Buffer, at: number): AsyncIterable<Buffer> {
    const cut = !stands && way === place.way ? within(place, chunk, at) : undefined;
    if (cut !== undefined) {
      stands = true;
      yield chunk.subarray(0, cut);
      reached.resolve();
    }
    if (stands) await released.promise;
    yield chunk.subarray(cut ?? 0);
  }
  return { watch, reached: reached.promise, release: () => released.resolve() };
}

/** How much of the chunk lies before the place; undefined if the place is not in it. */
function within(place: Place, chunk: Buffer, at: number): number | undefined {
  if ("byte" in place) {
    const cut = place.byte - at;
    return cut >= 0 && cut <= chunk.length ? cut : undefined;
  }
  const text = `{"say":"${place.say}"`;
  const found = chunk.indexOf(text);
  if (found < 0) return undefined;
  if (place.edge === "before") return Math.max(0, found - HEADER);
  return place.edge === "amid" ? found + text.length : chunk.length;
}
