import { resolveSource } from "@blkmig/journal";
import { formatNbdUrl, parseNbdUrl } from "@blkmig/nbd";

import { CommandError, messageOf } from "../command-error.ts";
import { InDoubt } from "../exit-code-in-doubt.ts";
import { endingOf } from "../exit-code.ts";
import { chooseDisks } from "./choose-disks.ts";
import { closeLiveDisks } from "./close-live-disks.ts";
import type { ForwardLink } from "./forward-link.ts";
import type { Handover } from "./handover.ts";
import { createLinkIdentities } from "./link-identity.ts";
import type { LiveDiskParts, LiveServer, LiveServerOptions, LiveStatus } from "./live-contract.ts";
import { createLiveDisk, type LiveDisk } from "./live-disk.ts";
import { createLiveMove, type LiveMove } from "./live-move.ts";
import { viewDisk, viewMove } from "./live-status.ts";
import { openNbdDoors } from "./nbd-doors.ts";
import { linkMoved, movedRecord } from "./recall-moved.ts";

/** A migration of which nobody knows, yet, whether it was committed. */
interface Doubt {
  readonly disks: readonly LiveDisk[];
  readonly handover: Handover;
  readonly error: InDoubt;
}

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
  const { stateDir, say, warn } = options;
  const ending = new AbortController();
  const identify = await createLinkIdentities(options.migration);
  const links = new Map<LiveDisk, ForwardLink>();
  const doubts = new Map<string, Doubt>();
  let end: (() => void) | undefined;
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  let current: { readonly move: LiveMove; readonly ended: Promise<unknown> } | undefined;
  let last: LiveStatus["migration"];
  /** Clients that are on their way to a new owner. */
  let passing: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;

  const create = (parts: LiveDiskParts, is: "waiting" | "local" | "moved"): LiveDisk =>
    createLiveDisk(parts, { granularity: options.granularity, link: identify(parts), is });

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

  const run = async (move: LiveMove) => {
    try {
      const result = await move.run();
      last = viewMove(move, { ended: "completed" });
      doubts.delete(result.migration);
      return result;
    } catch (error) {
      const { event, message } = endingOf(error);
      last = viewMove(move, { ended: event, message }) ?? last;
      const { id, disks: moved, handover } = move;
      // One that could not even begin to ask again leaves what it was to go on with.
      if (error instanceof InDoubt && handover) doubts.set(error.migration, { disks: moved, handover, error });
      else if (!(error instanceof InDoubt) && id !== undefined) doubts.delete(id);
      throw error;
    } finally {
      current = undefined;
    }
  };

  const stop = async (): Promise<void> => {
    ending.abort();
    current?.move.cancel();
    await current?.ended.catch(() => {}); // whoever asked for it is told
    await passing;
    await closeLiveDisks(disks, { doors, links });
    end?.();
    const [unsettled] = doubts.values();
    if (unsettled) throw unsettled.error;
  };

  return {
    nbd: doors.urls,
    status() {
      const migration = (current && viewMove(current.move, {})) ?? last;
      return {
        nbd: doors.urls,
        disks: disks.map((disk) => viewDisk(disk, doors.clients(disk.name))),
        ...(migration && { migration }),
      };
    },
    open() {
      for (const disk of disks) disk.open();
    },
    async move(wanted, hooks) {
      if (closing) refuse("the server is ending");
      if (current) refuse(`a migration to ${current.move.to} runs already: one at a time`);
      const chosen = chooseDisks(disks, wanted.disks, wanted.session.resume);
      const earlier = [...doubts.values()].find((doubt) => doubt.disks.some((disk) => chosen.includes(disk)))?.handover;
      const move = createLiveMove({
        disks: chosen,
        options: wanted,
        hooks,
        stateDir,
        granularity: options.granularity,
        earlier,
        ending: ending.signal,
        hangUp,
        onPassedOn,
        say,
        warn,
      });
      const ended = run(move);
      current = { move, ended };
      return ended;
    },
    cancel() {
      current?.move.cancel();
      return current !== undefined;
    },
    setLimits({ maxBandwidth, downtimeLimit }) {
      const move = current?.move ?? refuse("no migration runs");
      if (maxBandwidth !== undefined) move.setMaxBandwidth(maxBandwidth ?? undefined);
      if (downtimeLimit !== undefined) move.setDowntimeLimit(downtimeLimit);
    },
    async resolve(migration, verdict) {
      if (current?.move.id === migration)
        refuse(`migration ${migration} runs: it may still learn the outcome by itself`);
      const { disks: left, handover } = doubts.get(migration) ?? refuse(`migration ${migration} is not in doubt here`);
      await resolveSource(left[0]!.parts.place.path, { migration, state: verdict === "keep" ? "kept" : "moved" });
      doubts.delete(migration);
      if (verdict === "keep") return handover.kept();
      for (const disk of left) disk.become({ do: "commit" });
      // Whoever resolves is not kept waiting until the new owner is there: the clients are.
      passing = Promise.all([passing, handover.recorded("moved")]);
    },
    over,
    close: () => (closing ??= stop()),
  };
}

function refuse(message: string): never {
  throw new CommandError("refused", message);
}
