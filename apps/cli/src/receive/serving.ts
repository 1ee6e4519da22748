import { readRecord } from "@blkmig/journal";
import type { NbdUrl } from "@blkmig/nbd";
import type { Listener } from "@blkmig/transport";

import { listenControl } from "../control/control-server.ts";
import { createLiveServer } from "../live/create-live-server.ts";
import type { LiveDiskParts, LiveServer } from "../live/live-contract.ts";
import { answerAtControl, type AtControl, type Served } from "../serve/at-control.ts";
import { serveUntilOver, type ServeWorld } from "../serve/serve-until-over.ts";
import { createSystemd } from "../serve/systemd.ts";
import { fitDisk } from "./fitted-disk.ts";
import type { Targets } from "./open-targets.ts";

/** Where the disks of a migration are served once they are committed. */
export interface ServingOptions {
  readonly nbd: readonly NbdUrl[];
  /** The path of the control socket, if there shall be one: by it they are moved on. */
  readonly control: string | undefined;
  readonly insecure: boolean;
  readonly stateDir: string | undefined;
}

/** What is known of a migration that comes, whatever its sender speaks. Sizes are in bytes. */
interface ServingOffer {
  readonly migration: string;
  readonly disks: readonly { readonly name: string; readonly size: number }[];
}

/** The disks of one migration, on their way to be served here. */
export interface Serving {
  /**
   * Binds the addresses, and holds whoever comes: before anything is written, for one that cannot be had is no reason to fail when
   * all has come.
   */
  bind(offer: ServingOffer): Promise<void>;
  /** What clients dial, once it is bound. */
  readonly url: string | undefined;
  /** The disks are committed: whoever waits is answered, and the targets are no longer the receiver's to close. */
  open(): void;
  /** Serves until interrupted, or until the disks have moved on. Gives the exit code, or throws what ended it. */
  stay(): Promise<number>;
  /** There was no commit: whoever waits is hung up on. */
  close(): Promise<void>;
}

/** Bytes: what a tracked write marks, as `blkmig serve` has it. */
const GRANULARITY = 64 * 1024;

export function createServing(targets: Targets, options: ServingOptions, world: ServeWorld): Serving {
  const { output } = world;
  const { control } = options;
  let live: LiveServer | undefined;
  let socket: Listener | undefined;
  let asked: { readonly served: Served; readonly atControl: AtControl } | undefined;
  let isOpen = false;
  let isServed = false;

  const disksOf = async (sizes: ReadonlyMap<string, number>): Promise<readonly LiveDiskParts[]> =>
    Promise.all(
      [...targets.open.values()].map(async (target) => {
        const { name, disk, place } = target;
        const { device } = fitDisk(target, sizes.get(name) ?? disk.size);
        return { name, disk, device, place, record: await readRecord(place.path), readOnly: false };
      }),
    );

  const create = async ({ migration, disks }: ServingOffer): Promise<LiveServer> =>
    createLiveServer({
      disks: await disksOf(new Map(disks.map(({ name, size }) => [name, size]))),
      migration,
      nbd: options.nbd,
      granularity: GRANULARITY,
      stateDir: options.stateDir,
      insecure: options.insecure,
      waiting: true,
      meter: world.metrics?.meter,
      say: (message, why) => output.say(message, why),
      warn: (message, why) => output.warn(message, why),
    });

  return {
    get url() {
      return live?.nbd[0];
    },
    async bind(offer) {
      if (asked) return;
      if (control !== undefined) socket = await listenControl(control);
      live = await create(offer);
      world.metrics?.watch(live);
      const systemd = createSystemd(process.env["NOTIFY_SOCKET"], (message) => output.warn(message));
      const served = { live, control, socket, systemd };
      asked = { served, atControl: answerAtControl(served, world) };
    },
    open() {
      if (isOpen || !live) return;
      isOpen = true;
      targets.keep();
      live.open();
    },
    async stay() {
      if (!asked) throw new Error("nothing was bound, so there is nothing to serve");
      this.open();
      isServed = true;
      const { served, atControl } = asked;
      return serveUntilOver(served, world, atControl);
    },
    async close() {
      // Whoever served until the end has heard of how that went: said twice it would be another failure.
      if (!isServed) {
        await live?.close();
        await asked?.atControl.close();
      }
      await socket?.close();
      await asked?.served.systemd.told();
    },
  };
}
