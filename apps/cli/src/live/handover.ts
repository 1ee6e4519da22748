import { messageOf } from "../command-error.ts";
import type { Forwarding } from "./forwarding.ts";
import type { After } from "./live-contract.ts";
import type { LiveDisk } from "./live-disk.ts";

/** What becomes of the clients of a migration's disks once it is recorded here what became of the disks. */
export interface Handover {
  readonly after: After;
  readonly forwarding: Forwarding | undefined;
  /** MOVED, or CLONED, is on record: lets the clients go, at their owner. Never throws. Settles when they are. */
  recorded(how: "moved" | "cloned"): Promise<void>;
  /** KEPT is on record, by hand. */
  kept(): Promise<void>;
  /** Milliseconds, so far: from the pause until the last of them was let go. */
  readonly downtime: number;
}

export interface HandoverOptions {
  readonly disks: readonly LiveDisk[];
  readonly after: After;
  readonly forwarding: Forwarding | undefined;
  /** A disk has no clients any more. */
  readonly hangUp: (disk: LiveDisk) => Promise<void>;
  readonly warn: (message: string) => void;
}

export function createHandover({ disks, after, forwarding, hangUp, warn }: HandoverOptions): Handover {
  let since: number | undefined;
  let until: number | undefined;

  const all = (act: "clone" | "move" | "close" | "keep"): void => {
    for (const disk of disks) disk.become({ do: act });
  };
  const giveBack = async (): Promise<void> => {
    for (const { guest } of disks) {
      guest.mirror(undefined); // or it would go on into what is a disk of its own now
      guest.throttle(undefined);
      await guest.resume();
    }
    await forwarding?.release();
  };

  const letGo = async (how: "moved" | "cloned"): Promise<void> => {
    if (how === "cloned") {
      all("clone");
      return giveBack();
    }
    all("move");
    if (after === "forward") return forwarding?.passOn();
    await forwarding?.release();
    if (after === "hold") return;
    // What they asked for was not done, and is not answered: the disk that could do it is elsewhere.
    all("close");
    for (const disk of disks) await hangUp(disk);
  };

  return {
    after,
    forwarding,
    async recorded(how) {
      since = Math.min(...disks.map(({ heldSince }) => heldSince ?? Infinity));
      try {
        await letGo(how);
      } catch (error) {
        warn(`the disks have moved, and their clients wait: ${messageOf(error)}`);
      } finally {
        until = performance.now();
      }
    },
    async kept() {
      all("keep");
      await giveBack();
    },
    get downtime() {
      if (since === undefined) return 0;
      return Math.max(0, (until ?? performance.now()) - since);
    },
  };
}
