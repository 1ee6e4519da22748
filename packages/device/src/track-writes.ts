import type { BlockDevice, Extent } from "./block-device.ts";
import { checkExtent } from "./check-extent.ts";
import { DeviceError } from "./device-error.ts";
import { createDirtyBitmap, type DirtyBitmap } from "./dirty-bitmap.ts";
import { createRequestGate, type RequestGate } from "./request-gate.ts";
import { segmentsLength } from "./segments-length.ts";
import type { Guest, Tracker } from "./tracking.ts";

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
  /** Pauses and resumes the guest's face. */
  readonly control: Guest;
}

/**
 * Tracks what a guest writes to `device`, in granules of `granularity` bytes, while the tracker is started.
 *
 * A write is marked after it has landed and before it is answered, whether it succeeded or not: so what `sync()` did not
 * say yet, a later one says, and a paused guest has nothing unmarked. Nobody may write `device` but through `guest`.
 *
 * Closing a face ends that face only; `device` is borrowed, and closed by whoever opened it.
 */
export function trackWrites(device: BlockDevice, options: { readonly granularity: number }): TrackedDevice {
  const { granularity } = options;
  // Made and thrown away: a wrong granularity is the caller's mistake now, not when tracking starts.
  createDirtyBitmap({ size: device.size, granularity });
  const gate = createRequestGate(device.name);
  let marks: DirtyBitmap | undefined;

  return {
    guest: createGuestFace(device, gate, (offset, length) => marks?.mark(offset, length)),
    disk: createDiskFace(device),
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
      },
    },
    control: {
      pause: () => gate.pause(),
      async resume() {
        gate.resume();
      },
    },
  };
}

function createGuestFace(
  device: BlockDevice,
  gate: RequestGate,
  mark: (offset: number, length: number) => void,
): BlockDevice {
  const { name, size, readOnly } = device;

  function check(offset: number, length: number): void {
    gate.assertOpen();
    checkExtent(name, size, offset, length);
  }

  async function change(offset: number, length: number, request: () => Promise<void>): Promise<void> {
    check(offset, length);
    return gate.run(async () => {
      try {
        await request();
      } finally {
        // After it landed, or a sync and a read in between would lose it; before the answer, or a guest that was told of
        // its write could be paused, and switched over, without it. A failed write may have landed in part.
        mark(offset, length);
      }
    });
  }

  return {
    name,
    size,
    readOnly,
    async read(offset, into) {
      check(offset, into.length);
      return gate.run(() => device.read(offset, into));
    },
    async write(offset, data) {
      const length = segmentsLength(data);
      return change(offset, length, () => device.write(offset, data));
    },
    async zero(offset, length, zeroing) {
      return change(offset, length, () => device.zero(offset, length, zeroing));
    },
    async *extents(offset, length) {
      check(offset, length);
      const extents = device.extents(offset, length)[Symbol.asyncIterator]();
      // Each step is a request of its own: a slow reader of the list must not keep a pause waiting.
      try {
        for (;;) {
          const step: IteratorResult<Extent> = await gate.run(() => extents.next());
          if (step.done) return;
          yield step.value;
        }
      } finally {
        await extents.return?.();
      }
    },
    async flush() {
      gate.assertOpen();
      return gate.run(() => device.flush());
    },
    close: () => gate.close(),
  };
}

function createDiskFace(device: BlockDevice): BlockDevice {
  const { name, size, readOnly } = device;
  const gate = createRequestGate(name);

  function refuse(offset: number, length: number): never {
    gate.assertOpen();
    checkExtent(name, size, offset, length);
    throw new DeviceError("read-only", name, "a migration does not write the disk that it reads", { offset });
  }

  return {
    name,
    size,
    // What the disk is, not what this face permits: a migration leaves read-only media out.
    readOnly,
    async read(offset, into) {
      gate.assertOpen();
      return gate.run(() => device.read(offset, into));
    },
    async write(offset, data) {
      refuse(offset, segmentsLength(data));
    },
    async zero(offset, length) {
      refuse(offset, length);
    },
    async *extents(offset, length) {
      gate.assertOpen();
      yield* device.extents(offset, length);
    },
    async flush() {
      gate.assertOpen();
      return gate.run(() => device.flush());
    },
    close: () => gate.close(),
  };
}
