import { formatNbdUrl, parseNbdUrl } from "@blkmig/nbd";

import { messageOf } from "../command-error.ts";
import { closeLiveDisks } from "./close-live-disks.ts";
import type { ForwardLink } from "./forward-link.ts";
import { createLinkIdentities } from "./link-identity.ts";
import type { LiveDiskParts, LiveServer, LiveServerOptions } from "./live-contract.ts";
import { createLiveDisk, type LiveDisk } from "./live-disk.ts";
import { createLiveMoves } from "./live-moves.ts";
import { viewDisk } from "./live-status.ts";
import { openNbdDoors } from "./nbd-doors.ts";
import { linkMoved, movedRecord } from "./recall-moved.ts";

/**
 * Listens, and serves. Throws `TransportError` `listen`, and `CommandError` `refused` for a disk that is in doubt, or has moved and
 * cannot be passed on; then the disks are still the caller's.
 *
 *     clients ──▶ doors ──▶ gate ──▶ marks ──▶ switch ──▶ the disk here, or the link to its new owner
 *                            ▲         │          ▲
 *                     pause, resume   sync    exchange, once, after MOVED is on record
 *                            └──── a migration ───┘
 *
 * Who holds the state: each disk its own, one of `DiskState`, changed by what is learnt and recorded, along a table in which there
 * is no way from ASKED to the disk here but KEPT. One migration at a time moves disks; what it leaves in doubt is held here.
 * Who owns the bytes: a request's, its NBD client, through all layers, until it is answered; nothing here copies or keeps any.
 * What can fail: a link before the commit (the move is refused, the clients never waited); the record of MOVED (clients wait, it is
 * tried again); a link after the commit (its requests wait; it is looked for, for ever); the new owner's host with writes that were
 * never flushed (the disk is `failed`: clients are hung up on, and nobody else is let in). Never is a disk served here again
 * because of any of these.
 */
export async function createLiveServer(options: LiveServerOptions): Promise<LiveServer> {
  const { stateDir, granularity, meter, say, warn } = options;
  const ending = new AbortController();
  const identify = await createLinkIdentities(options.migration);
  const links = new Map<LiveDisk, ForwardLink>();
  let end: (() => void) | undefined;
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  let closing: Promise<void> | undefined;

  const create = (parts: LiveDiskParts, is: "waiting" | "local" | "moved"): LiveDisk =>
    createLiveDisk(parts, { granularity, link: identify(parts), is, meter });

  const hangUp = async (disk: LiveDisk): Promise<void> => {
    const gone = doors.drop(disk.name, "now");
    disk.discard();
    await gone;
    if (disks.every(({ state }) => state.is === "closed")) end?.();
  };

  const onPassedOn = (disk: LiveDisk, link: ForwardLink): void => {
    links.set(disk, link);
    link.onFailed((why) => {
      if (disk.state.is !== "forwarding") return;
      disk.become({ do: "lose", why });
      warn(`disk '${disk.name}' is not served any more, its clients are hung up on: ${why}`);
      // What is under way fails, and is answered so: only then do clients know that it failed.
      doors.drop(disk.name, "finish").catch((error: unknown) => warn(messageOf(error)));
    });
  };

  const bringUp = async (parts: LiveDiskParts): Promise<LiveDisk> => {
    if (options.waiting) return create(parts, "waiting");
    const record = movedRecord(parts, stateDir);
    if (!record) return create(parts, "local");
    const link = await linkMoved(parts, record, options, ending.signal);
    const disk = create(parts, "moved");
    links.set(disk, link);
    disk.passOn(link.device, formatNbdUrl({ ...parseNbdUrl(record.serve), exportName: record.disk }));
    say(
      `disk '${parts.name}' has moved (migration ${record.migration}): its clients are passed on to ${link.device.url}`,
    );
    return disk;
  };

  const letLinksGo = async (): Promise<void> => {
    ending.abort();
    await Promise.all([...links.values()].map((link) => link.close()));
  };

  const disks: LiveDisk[] = [];
  const openDoors = () =>
    openNbdDoors({
      at: options.nbd,
      exports: () =>
        disks.filter(({ state }) => state.is !== "closed" && state.is !== "failed").map((disk) => disk.export),
      say,
      warn,
    });
  let doors: Awaited<ReturnType<typeof openDoors>>;
  try {
    for (const parts of options.disks) disks.push(await bringUp(parts));
    doors = await openDoors();
  } catch (error) {
    await letLinksGo();
    throw error;
  }
  for (const [disk, link] of links) onPassedOn(disk, link);

  const moves = createLiveMoves({ disks, stateDir, granularity, ending: ending.signal, hangUp, onPassedOn, say, warn });

  const stop = async (): Promise<void> => {
    ending.abort();
    await moves.stop();
    await closeLiveDisks(disks, { doors, links });
    end?.();
    if (moves.inDoubt) throw moves.inDoubt;
  };

  return {
    nbd: doors.urls,
    status() {
      const migration = moves.status;
      return {
        nbd: doors.urls,
        disks: disks.map((disk) => viewDisk(disk, doors.clients(disk.name))),
        ...(migration && { migration }),
      };
    },
    open() {
      for (const disk of disks) disk.open();
    },
    move: (wanted, hooks) => moves.move(wanted, hooks),
    cancel: () => moves.cancel(),
    setLimits: (limits) => moves.setLimits(limits),
    resolve: (migration, verdict) => moves.resolve(migration, verdict),
    over,
    close: () => (closing ??= stop()),
  };
}
