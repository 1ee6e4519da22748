import type { BlockDevice } from "@blkmig/device";

import type { BitmapTracker } from "./bitmap-tracker.ts";
import { type RemovalOptions, removeExports } from "./export-removal.ts";
import { attemptAll } from "./live-attempts.ts";
import type { LiveServer } from "./live-server.ts";
import { createTurns } from "./live-turns.ts";

export interface ReleaseOptions extends RemovalOptions {
  readonly tracker: BitmapTracker;
  /** Those that are open by then. */
  readonly devices: readonly BlockDevice[];
  readonly server: LiveServer;
}

/**
 * Takes away what was put into a QEMU to read its disks, all but the marks. As much as possible, whatever fails; then the first failure
 * is thrown, and the next call tries again.
 */
export function createRelease(options: ReleaseOptions): () => Promise<void> {
  const { tracker, devices, server } = options;
  const inTurn = createTurns();
  let isDone = false;

  async function endExports(): Promise<void> {
    let found = 0;
    await attemptAll([
      // Their clients first: a read under way is still answered.
      async () => void (await Promise.all(devices.map(async (device) => device.close()))),
      async () => void (found = await removeExports(options, () => true)),
      async () => server.stop(found > 0),
    ]);
  }

  return async () =>
    inTurn(async () => {
      if (isDone) return;
      await attemptAll([async () => tracker.end(), endExports]);
      isDone = true;
    });
}
