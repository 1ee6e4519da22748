import type { SeededRandom } from "@blkmig/testkit";

import type { Input } from "./input.ts";
import type { Trace } from "./trace.ts";

/** How one input comes: `seed` decides where the wire is cut, `variant` (0 to 255) which options the decoder has. */
export interface Feeding {
  readonly bytes: Uint8Array;
  readonly seed: number;
  readonly variant: number;
}

/** One decoder under fire. */
export interface Target {
  readonly name: string;
  /** Writes an input that is right, or nearly. */
  make(input: Input, random: SeededRandom): void;
  /** Checksums that would hide everything behind them, made right again after a mutation. */
  repair?(input: Input, random: SeededRandom): void;
  /**
   * Feeds it, and notes what comes of it. Throws `Finding`, or whatever the decoder threw that it may not throw. Only where the
   * decoder itself awaits does this.
   */
  feed(feeding: Feeding, trace: Trace): Promise<void> | void;
  /** What is told of an input depends on where the wire was cut, and may. */
  readonly cutsMatter?: true;
  /** What thousands of inputs must have reached, or they did not get past the door. */
  readonly mustReach: readonly string[];
}
