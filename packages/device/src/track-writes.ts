import type { BlockDevice } from "./block-device.ts";
import { type Clock, systemClock } from "./clock.ts";
import { DeviceError } from "./device-error.ts";
import { createDirtyBitmap, type DirtyBitmap } from "./dirty-bitmap.ts";
import { createGuestFace } from "./guest-face.ts";
import { type Change, landChange } from "./land-change.ts";
import { createMigrationFace } from "./migration-face.ts";
import { createRequestGate } from "./request-gate.ts";
import { createThrottle } from "./throttle.ts";
import type { Guest, Mirror, Tracker } from "./tracking.ts";

/** How finely a guest's writes are tracked. */
export interface TrackWritesOptions {
  /** Bytes: a power of two from 512 to 1 MiB. */
  readonly granularity: number;
  /** What a throttled guest waits by. Default: the machine's own. */
  readonly clock?: Clock;
}

/** One disk, two faces: what the guest uses, and what a migration reads. */
export interface TrackedDevice {
  /** The guest's face: its writes are marked, and a pause holds all its requests, reads and flushes too. */
  readonly guest: BlockDevice;
  /**
   * The migration's face: reads at any time, never paused. Every write is refused as `read-only`, though `readOnly` says
   * what the disk is.
   */
  readonly disk: BlockDevice;
  /** Says what was written through the guest's face. */
  readonly tracker: Tracker;
  /** Pauses, resumes, throttles and mirrors the guest's face. Only what is tracked can be mirrored (`TypeError`). */
  readonly control: Required<Guest>;
}

/**
 * Tracks what a guest writes to `device`, in granules of `granularity` bytes, while the tracker is started.
 *
 * A write is marked after it has landed and before it is answered, whether it succeeded or not: so what `sync()` did not
 * say yet, a later one says, and a paused guest has nothing unmarked. A write that a mirror has carried is not marked. Nobody
 * may write `device` but through `guest`.
 *
 * Closing a face ends that face only; `device` is borrowed, and closed by whoever opened it.
 */
export function trackWrites(device: BlockDevice, options: TrackWritesOptions): TrackedDevice {
  const { granularity, clock = systemClock } = options;
  // Made and thrown away: a wrong granularity is the caller's mistake now, not when tracking starts.
  createDirtyBitmap({ size: device.size, granularity });
  const gate = createRequestGate(device.name);
  const throttle = createThrottle(clock);
  let marks: DirtyBitmap | undefined;
  let mirror: Mirror | undefined;

  async function perform(change: Change): Promise<void> {
    const { offset, length } = change;
    const begin = (): Promise<void> =>
      landChange(change, length > 0 ? mirror : undefined, () => marks?.mark(offset, length));
    return gate.run(begin, throttle.isOpen() ? undefined : (turn) => throttle.enter(length, turn));
  }

  return {
    guest: createGuestFace(device, gate, perform),
    disk: createMigrationFace(device),
    tracker: {
      async start() {
        if (marks !== undefined) throw new DeviceError("in-use", device.name, "its writes are tracked already");
        marks = createDirtyBitmap({ size: device.size, granularity });
      },
      async sync() {
        if (marks === undefined) throw new TypeError(`disk '${device.name}': sync() of a tracker that is not started`);
        return [marks.take()];
      },
      async stop() {
        marks = undefined;
        mirror = undefined;
        throttle.setRate(undefined);
      },
    },
    control: {
      async pause() {
        throttle.hold();
        await gate.pause();
      },
      async resume() {
        // Before those that the gate holds, for they came later.
        throttle.release();
        gate.resume();
      },
      throttle: (bytesPerSecond) => throttle.setRate(bytesPerSecond),
      mirror(next) {
        // Its failures are marked: without marks they would be lost.
        if (next !== undefined && marks === undefined) {
          throw new TypeError(`disk '${device.name}': mirror() of writes that are not tracked`);
        }
        mirror = next;
      },
    },
  };
}
