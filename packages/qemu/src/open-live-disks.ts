import type { BlockDevice } from "@blkmig/device";

import { createBitmapTracker } from "./bitmap-tracker.ts";
import { addExport, exportedOf, openExport } from "./export-open.ts";
import { createPassReader } from "./export-pass.ts";
import { attemptAll } from "./live-attempts.ts";
import { assertSameDisks } from "./live-confirm.ts";
import type { Mark, OpenLiveDisksOptions, QemuLiveDisks } from "./live-contract.ts";
import { createRelease } from "./live-release.ts";
import { assertSocketPath, createLiveServer } from "./live-server.ts";
import { createTurns } from "./live-turns.ts";
import { createMarks } from "./marks.ts";
import { messageOf } from "./message-of.ts";
import { startOf } from "./process-start.ts";
import { createQemuGuest } from "./qemu-guest.ts";

const GRANULARITY = 64 * 1024;
const ALL_MARKS: readonly Mark[] = ["stopped", "asked", "moved", "machine"];

/**
 * Starts QEMU's NBD server, exports the disks read-only, and opens them. All or nothing: if it fails, nothing of ours is left. A guest
 * that a run of the same migration has stopped, and was killed, counts as stopped by us. Throws `QemuError`: `busy` where an NBD server
 * runs already, `changed` for a disk of another size, `not-supported`, and what QEMU says; `TypeError` for a path that no socket can have.
 */
export async function openLiveDisks(options: OpenLiveDisksOptions): Promise<QemuLiveDisks> {
  const { qmp, migration, socket, clock, signal, warn, granularity = GRANULARITY } = options;
  assertSocketPath(socket);
  const disks = options.disks.map(exportedOf);
  const [first] = disks;
  if (!first) throw new TypeError("at least one disk is needed");

  const shared = { qmp, migration, socket, clock };
  const devices: BlockDevice[] = [];
  const marks = createMarks(qmp, migration, first.node);
  const inTurn = createTurns();
  const guest = createQemuGuest({ qmp, marks, stopInTurn: inTurn });
  const tracker = createBitmapTracker({ ...shared, disks, granularity, inTurn, readPasses: createPassReader(shared) });
  const server = createLiveServer(qmp, socket);
  const release = createRelease({ ...shared, tracker, devices, server });

  async function open(): Promise<void> {
    signal?.throwIfAborted();
    // Before it starts: killed in between, the next one would find a server that is nobody's, and refuse for ever.
    await marks.add({ is: "server", pid: process.pid, start: (await startOf("self")) ?? "0" });
    await server.start();
    for (const [index, disk] of disks.entries()) {
      signal?.throwIfAborted();
      const name = { is: "disk", disk: index } as const;
      await addExport(shared, disk, name, { "allocation-depth": true });
      devices.push(
        await openExport(shared, disk, name, { signal: AbortSignal.any(signal ? [signal, qmp.ended] : [qmp.ended]) }),
      );
    }
    await guest.adopt();
    signal?.throwIfAborted();
  }

  async function close(keep: readonly Mark[] = []): Promise<void> {
    await attemptAll([release, async () => marks.removeAllBut(keep), async () => guest.close()]);
  }

  try {
    await open();
  } catch (error) {
    // What an earlier run has marked is not ours to take back.
    await close(ALL_MARKS).catch((left: unknown) => warn(`${qmp.url}: not all could be undone: ${messageOf(left)}`));
    throw error;
  }
  return {
    disks: devices.map((device) => ({ name: device.name, device })),
    tracker,
    guest,
    get stopped() {
      return guest.stopped;
    },
    async confirm() {
      await assertSameDisks(qmp, options.disks);
      await tracker.assertAllSaid();
      await guest.assertStopped(); // last: who resumes it now could write what was just found clean
    },
    mark: async (mark) => marks.add({ is: "mark", mark }),
    unmark: async (mark) => marks.remove(mark),
    release,
    close,
  };
}
