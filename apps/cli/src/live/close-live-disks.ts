import { setTimeout as wait } from "node:timers/promises";

import { DeviceError } from "@blkmig/device";

import type { ForwardLink } from "./forward-link.ts";
import type { LiveDisk } from "./live-disk.ts";
import { type DiskState, isHeld } from "./live-state.ts";
import type { NbdDoors } from "./nbd-doors.ts";

const LOOK_EVERY_MS = 50;
/** A new owner that is there and answers nothing is waited for no longer. */
const PATIENCE_MS = 30_000;

export interface ClosingParts {
  readonly doors: NbdDoors;
  readonly links: ReadonlyMap<LiveDisk, ForwardLink>;
}

/** Hangs up on clients when what they asked for is answered, unless nobody is there to answer; then lets go of the disks. Throws `DeviceError` if a flush failed. */
export async function closeLiveDisks(disks: readonly LiveDisk[], { doors, links }: ClosingParts): Promise<void> {
  await doors.shut();
  await Promise.all(disks.map((disk) => hangUp(disk, { doors, links })));
  await doors.close("now");
  const outcomes = await Promise.allSettled(disks.map((disk) => flush(disk, links.get(disk))));
  await Promise.all([...links.values()].map((link) => link.close()));
  // A target that was never ours is whoever's who brought it here.
  const ours = disks.filter(({ state }) => state.is !== "waiting");
  await Promise.all(ours.map(({ parts }) => parts.disk.close()));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure) throw failure.reason;
}

async function hangUp(disk: LiveDisk, { doors, links }: ClosingParts): Promise<void> {
  if (isHeld(disk.state)) {
    const gone = doors.drop(disk.name, "now");
    disk.discard();
    return gone;
  }
  const link = links.get(disk);
  const done = new AbortController();
  const finished = doors.drop(disk.name, "finish").finally(() => done.abort());
  const until = performance.now() + PATIENCE_MS;
  // A link that is broken, breaks while the last requests are under way, or is silent, keeps nobody waiting for ever.
  while (link && !done.signal.aborted && !link.isDown && performance.now() < until) {
    await wait(LOOK_EVERY_MS, undefined, { signal: done.signal }).catch(() => {}); // then it is done
  }
  // What is under way on it ends with the link, which waits for the new owner a little longer.
  if (!done.signal.aborted) await Promise.all([doors.drop(disk.name, "now"), link?.close()]);
  await finished;
}

async function flush({ state, parts }: LiveDisk, link: ForwardLink | undefined): Promise<void> {
  if (link) return flushLink(link, state);
  if (state.is === "local" || state.is === "in-doubt") return parts.device.flush();
}

/** What the new owner has acknowledged is flushed there, if it can be reached. */
async function flushLink(link: ForwardLink, state: DiskState): Promise<void> {
  const { device, name, isDown } = link;
  if (!device.unflushed) return;
  // Also of a link that ended just now, when its clients were hung up on: they had been answered before.
  if (state.is === "failed") throw new DeviceError("io", name, state.why);
  if (isDown)
    throw new DeviceError("io", name, `its new owner, ${device.url}, cannot be reached, and was not told to flush`);
  const flushed = device.flush();
  flushed.catch(() => {}); // awaited below
  await link.close(); // waits for it, and not for ever: the new owner may go away just now
  return flushed;
}
