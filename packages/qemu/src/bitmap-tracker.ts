import { createDirtyBitmap, type Clock, type DirtyBitmap, type Tracker } from "@blkmig/device";

import { removeBitmap, removeBitmaps } from "./bitmap-ours.ts";
import { type DiskWrites, findWrites, rotation } from "./bitmap-writes.ts";
import type { ExportedDisk } from "./export-open.ts";
import type { Pass, ReadPasses } from "./export-pass.ts";
import { removeExports } from "./export-removal.ts";
import { attemptAll } from "./live-attempts.ts";
import type { InTurn } from "./live-turns.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

export interface BitmapTrackerOptions {
  readonly qmp: Qmp;
  readonly migration: string;
  /** At least one. */
  readonly disks: readonly ExportedDisk[];
  readonly granularity: number;
  readonly readPasses: ReadPasses;
  readonly clock?: Clock | undefined;
  /** Shared with whoever else must not give QEMU commands that drain while a pass is read. */
  readonly inTurn: InTurn;
}

export interface BitmapTracker extends Tracker {
  /** Throws `QemuError` `changed` if anything was written that no `sync()` has said, or if that cannot be known. */
  assertAllSaid(): Promise<void>;
  /** `stop()`, for good. */
  end(): Promise<void>;
}

type State =
  /** Nothing of ours is there. */
  | { readonly is: "off" }
  /** `unsaid`: what was read of QEMU's bitmaps and no `sync()` has said, by disk. */
  | { readonly is: "on"; readonly unsaid: readonly DirtyBitmap[] }
  /** Not tracked; bitmaps may be there. */
  | { readonly is: "left" };

/**
 * Tracks writes in QEMU's own dirty bitmaps: those of all disks are exchanged for fresh ones at one instant, and then read at leisure.
 * What is there is asked of QEMU each time. So a command that timed out, or a `sync()` that failed half-way, loses nothing: what was
 * retired and not read is read by the next one, and what was read and not said is kept here. Throws `QemuError`.
 */
export function createBitmapTracker(options: BitmapTrackerOptions): BitmapTracker {
  const { qmp, migration, disks, granularity, readPasses, inTurn } = options;
  let state: State = { is: "off" };
  let isOver = false;
  let nextPass = 0;

  /** Another number each time: after a time-out the bitmaps may be there. */
  const rotate = async (seen: readonly DiskWrites[]): Promise<void> => {
    const actions = rotation(options, { pass: nextPass++, granularity }, seen);
    await qmp.execute("transaction", { actions });
  };

  async function harvest(writes: readonly DiskWrites[], into: readonly DirtyBitmap[]): Promise<void> {
    const retired = writes.flatMap((disk, index) => disk.retired.map((bitmap) => ({ bitmap, index })));
    const passes = retired
      .filter(({ bitmap }) => bitmap.count > 0)
      .map(({ bitmap: { pass }, index }): Pass => {
        return { pass, index, disk: disks[index]!, mark: (offset, length) => into[index]!.mark(offset, length) };
      });
    await readPasses(passes);
    // Not before they are in our maps: if the reading fails, nobody else knows.
    for (const { bitmap } of retired) await removeBitmap(qmp, bitmap);
  }

  async function sync(): Promise<readonly DirtyBitmap[]> {
    if (state.is !== "on") throw new TypeError("sync() of a tracker that is not started");
    const { unsaid } = state;
    let writes = await findWrites(qmp, options);
    // Of an earlier pass that failed: while it exports a bitmap, that can be neither exported again nor removed.
    if (writes.some(({ retired }) => retired.length > 0)) await removePassExports();
    if (writes.some(({ recording }) => recording.some(({ count }) => count > 0))) {
      await rotate(writes);
      writes = await findWrites(qmp, options);
    }
    await harvest(writes, unsaid);
    return unsaid.map((map) => map.take());
  }

  async function removePassExports(): Promise<void> {
    await removeExports(options, ({ is }) => is === "pass");
  }

  async function stop(): Promise<void> {
    if (state.is === "off") return;
    state = { is: "left" };
    await attemptAll([removePassExports, async () => removeBitmaps(qmp, migration, ({ is }) => is === "writes")]);
    state = { is: "off" };
  }

  async function assertAllSaid(): Promise<void> {
    if (state.is !== "on") throw new QemuError("changed", qmp.url, "its disks are not tracked any more");
    const { unsaid } = state;
    const writes = await findWrites(qmp, options);
    const written = disks.find((_, index) => isUnsaid(writes[index]!) || unsaid[index]!.bytes > 0);
    if (!written) return;
    throw new QemuError("changed", qmp.url, `disk '${written.name}' was written after the last pass`);
  }

  return {
    start: async () =>
      inTurn(async () => {
        if (isOver) throw new TypeError("start() of a tracker whose disks were let go of");
        if (state.is === "on") throw new QemuError("busy", qmp.url, "its writes are tracked already");
        state = { is: "left" };
        await rotate([]);
        state = { is: "on", unsaid: disks.map(({ size }) => createDirtyBitmap({ size, granularity })) };
      }),
    sync: async () => inTurn(sync),
    stop: async () => inTurn(stop),
    end: async () =>
      inTurn(async () => {
        isOver = true;
        await stop();
      }),
    assertAllSaid: async () => inTurn(assertAllSaid),
  };
}

function isUnsaid({ recording, retired }: DiskWrites): boolean {
  return retired.length > 0 || recording.some(({ count }) => count > 0);
}
