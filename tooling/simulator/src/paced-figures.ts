import type { MigrationEvent } from "@blkmig/source";

import type { FrameOnWire } from "./paced-frames.ts";
import type { PacedEnd } from "./paced-session.ts";

/** Bytes of disk in the frames of one kind. */
export function bytesOf(frames: readonly FrameOnWire[], kind: FrameOnWire["kind"]): number {
  return frames.reduce((sum, frame) => sum + (frame.kind === kind ? frame.length : 0), 0);
}

/** What was said to a person, in order. */
export function warningsOf({ events }: { readonly events: readonly MigrationEvent[] }): string[] {
  return events.flatMap((event) => (event.type === "warning" ? [event.message] : []));
}

/** The steps that were told, as words: `throttle`, `mirror`. */
export function stepsOf({ events }: { readonly events: readonly MigrationEvent[] }): string[] {
  return events.flatMap((event) => (event.type === "converge" ? [event.step] : []));
}

/** Whether the guest is neither throttled nor mirrored after the end, by what it was told and by what is said of it. */
export function isLeftAlone({ control, migration }: PacedEnd): boolean {
  const { throttle, mirroring } = migration.statistics();
  const last = (words: RegExp): string | undefined => control.findLast(({ what }) => words.test(what))?.what;
  const isThrottled = last(/throttle/) !== undefined && last(/throttle/) !== "unthrottle";
  return throttle === undefined && !mirroring && !isThrottled && last(/mirror/) !== "mirror";
}
