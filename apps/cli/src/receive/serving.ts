import { readRecord } from "@blkmig/journal";
import type { NbdUrl } from "@blkmig/nbd";
import type { SessionOffer } from "@blkmig/sink";

import { aborted } from "../interruption.ts";
import { createLiveServer } from "../live/create-live-server.ts";
import type { LiveDiskParts, LiveServer } from "../live/live-contract.ts";
import type { CommandWorld } from "../run-command.ts";
import { fitDisk } from "./fitted-disk.ts";
import type { Targets } from "./open-targets.ts";

/** Where the disks of a migration are served once they are committed. */
export interface ServingOptions {
  readonly nbd: readonly NbdUrl[];
  readonly insecure: boolean;
  readonly stateDir: string | undefined;
}

/** The disks of one migration, on their way to be served here. */
export interface Serving {
  /** Binds the addresses, and holds whoever comes. */
  bind(offer: SessionOffer): Promise<void>;
  /** What clients dial, once it is bound. */
  readonly url: string | undefined;
  /** The disks are committed: whoever waits is answered, and the targets are no longer the receiver's to close. */
  open(): void;
  /** Serves until interrupted, or until the disks have moved on. */
  stay(): Promise<void>;
  /** There was no commit: whoever waits is hung up on. */
  close(): Promise<void>;
}

/** Bytes: what a tracked write marks, as `blkmig serve` has it. */
const GRANULARITY = 64 * 1024;

export function createServing(targets: Targets, options: ServingOptions, { output, signal }: CommandWorld): Serving {
  let live: LiveServer | undefined;
  let isOpen = false;

  const disksOf = async (sizes: ReadonlyMap<string, number>): Promise<readonly LiveDiskParts[]> =>
    Promise.all(
      [...targets.open.values()].map(async (target) => {
        const { name, disk, place } = target;
        const { device } = fitDisk(target, sizes.get(name) ?? target.size ?? disk.size);
        return { name, disk, device, place, record: await readRecord(place.path), readOnly: false };
      }),
    );

  const create = async (sizes: ReadonlyMap<string, number>, migration?: string): Promise<LiveServer> =>
    createLiveServer({
      disks: await disksOf(sizes),
      ...(migration === undefined ? {} : { migration }),
      nbd: options.nbd,
      granularity: GRANULARITY,
      stateDir: options.stateDir,
      insecure: options.insecure,
      waiting: true,
      say: (message) => output.say(message),
      warn: (message) => output.warn(message),
    });

  const serve = async (server: LiveServer): Promise<void> => {
    const names = targets.names.map((name) => `'${name}'`).join(", ");
    output.say(`serving ${names} at ${server.nbd.join(", ")}`);
    output.event("serving", { nbd: server.nbd, disks: targets.names });
    await Promise.race([aborted(signal), server.over]);
  };

  return {
    get url() {
      return live?.nbd[0];
    },
    async bind({ migration, disks }) {
      live ??= await create(new Map(disks.map(({ name, size }) => [name, size])), migration);
    },
    open() {
      if (isOpen || !live) return;
      isOpen = true;
      targets.keep();
      live.open();
    },
    async stay() {
      live ??= await create(new Map()); // of a stream that has no session
      this.open();
      try {
        await serve(live);
      } finally {
        await live.close();
      }
    },
    async close() {
      await live?.close();
    },
  };
}
