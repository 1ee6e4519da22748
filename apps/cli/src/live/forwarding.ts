import { setTimeout as wait } from "node:timers/promises";

import { formatNbdUrl, type NbdUrl, parseNbdUrl } from "@blkmig/nbd";

import { CommandError, messageOf } from "../command-error.ts";
import { type ForwardLink, openForwardLink } from "./forward-link.ts";
import { assertForwardable, chooseForward, type ForwardChoice, formatForward } from "./forward-url.ts";
import type { LiveDisk } from "./live-disk.ts";

const FIRST_WAIT_MS = 250;
const MOST_WAIT_MS = 15_000;

/** How the clients of a migration's disks are passed on to their new owner. */
export interface Forwarding {
  /**
   * Before the guest is paused: opens the links, or checks those that are open. Throws `CommandError` `refused`, and `NbdError`.
   */
  ready(announced: string | undefined): Promise<void>;
  /** Where to: a URL without an export, for the record. Undefined before it is known. */
  readonly serve: string | undefined;
  /** The same for people; without secrets. */
  readonly shown: string | undefined;
  /**
   * After MOVED is recorded. A disk whose link is open is passed on before this returns; others as soon as they have one, however
   * long that takes: until then their clients wait. Settles when all are passed on, or the server ends.
   */
  passOn(): Promise<void>;
  /** It has not moved, and will not. */
  release(): Promise<void>;
}

export interface ForwardingOptions {
  readonly disks: readonly LiveDisk[];
  readonly migration: string;
  readonly choice: ForwardChoice;
  /** Where an earlier run of the same migration would have passed them on to. */
  readonly earlier: string | undefined;
  /** What holds the disks has a new owner's link from now on. Closes it at its end. */
  readonly onPassedOn: (disk: LiveDisk, link: ForwardLink) => void;
  /** Aborts when the server ends. */
  readonly ending: AbortSignal;
  readonly say: (message: string) => void;
  readonly warn: (message: string) => void;
}

/** Throws `CommandError` `refused` for an address that was said and cannot be. Nothing is dialled yet. */
export function createForwarding(options: ForwardingOptions): Forwarding {
  const { disks, migration, choice, ending, warn } = options;
  const links = new Map<LiveDisk, ForwardLink>();
  /** Ends the opening of links that nobody needs any more. */
  let needed = new AbortController();
  let opening: Promise<unknown> = Promise.resolve();
  let server: NbdUrl | undefined;
  if (choice.forwardTo) server = chooseForward(undefined, choice);
  else if (options.earlier !== undefined) server = parseNbdUrl(options.earlier);
  if (server) assertForwardable(server, choice.insecure);

  const open = async (disk: LiveDisk, at: NbdUrl): Promise<ForwardLink> => {
    const { readOnly, device, disk: opened } = disk.parts;
    const wanted = { size: device.size, readOnly, minimumBlock: opened.minimumBlock, migration };
    return openForwardLink({
      ...options,
      server: at,
      name: disk.name,
      wanted,
      signal: AbortSignal.any([ending, needed.signal]),
    });
  };

  const release = async (): Promise<void> => {
    needed.abort();
    await opening;
    needed = new AbortController();
    const released = [...links.values()];
    links.clear();
    await Promise.all(released.map((link) => link.close()));
  };

  /** Opens what is not open. Those that came about are kept, for the next time or for `release()`. */
  const openAll = async (at: NbdUrl): Promise<void> => {
    const opened = Promise.allSettled(
      disks.map(async (disk) => {
        if (links.get(disk)?.failed !== undefined) links.delete(disk);
        if (!links.has(disk)) links.set(disk, await open(disk, at));
      }),
    );
    opening = opened; // a migration that ends meanwhile waits for none of this, and lets go of what comes of it
    const outcomes = await opened;
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    if (failure) throw failure.reason;
  };

  const passOnBy = (disk: LiveDisk, link: ForwardLink): void => {
    try {
      disk.passOn(link.device, formatNbdUrl({ ...server!, exportName: disk.name }));
    } catch (error) {
      void link.close();
      throw error;
    }
    options.onPassedOn(disk, link);
  };

  /** Until it is linked its clients wait: they have no other owner. */
  const passOnLater = async (disk: LiveDisk): Promise<void> => {
    let lastWhy: string | undefined;
    for (let ms = FIRST_WAIT_MS; !ending.aborted; ms = Math.min(ms * 2, MOST_WAIT_MS)) {
      try {
        return passOnBy(disk, await open(disk, server!));
      } catch (error) {
        const why = messageOf(error);
        if (why !== lastWhy) warn(`disk '${disk.name}' has moved, and its clients wait: ${why}`);
        lastWhy = why;
        await wait(ms, undefined, { signal: ending }).catch(() => {}); // the loop ends with it
      }
    }
  };

  return {
    async ready(announced) {
      const next = chooseForward(announced, choice);
      if (server && formatForward(next) !== formatForward(server)) await release();
      server = next;
      try {
        await openAll(next);
        await Promise.all([...links.values()].map((link) => link.up(ending)));
      } catch (cause) {
        if (cause instanceof CommandError) throw cause;
        throw new CommandError("refused", `clients cannot be passed on: ${messageOf(cause)}`, { cause });
      }
    },
    get serve() {
      return server && formatForward(server);
    },
    get shown() {
      return server && formatNbdUrl(server);
    },
    async passOn() {
      if (!server) throw new CommandError("refused", "where the clients are passed on to is not known");
      const later: LiveDisk[] = [];
      for (const disk of disks) {
        const link = links.get(disk);
        links.delete(disk);
        if (link && link.failed === undefined) passOnBy(disk, link);
        else later.push(disk);
      }
      await Promise.all(later.map(passOnLater));
    },
    release,
  };
}
