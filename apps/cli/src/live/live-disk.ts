import {
  type BlockDevice,
  createSwitchableDevice,
  DeviceError,
  type Guest,
  type TrackedDevice,
  trackWrites,
} from "@blkmig/device";
import type { LinkIdentity, NbdExport } from "@blkmig/nbd";

import { createNoDevice } from "../disks/no-device.ts";
import type { LiveDiskParts } from "./live-contract.ts";
import { type DiskEvent, type DiskState, nextState } from "./live-state.ts";

/** One disk that is served: what its clients use, what a migration reads, and who it belongs to. */
export interface LiveDisk {
  readonly name: string;
  readonly parts: LiveDiskParts;
  readonly export: NbdExport;
  readonly state: DiskState;
  /** What a migration has of it: `guest` is the hand on its clients. */
  readonly disk: BlockDevice;
  readonly tracker: TrackedDevice["tracker"];
  readonly guest: Required<Guest>;
  /** Milliseconds on the clock of `performance`, since when its clients are held. */
  readonly heldSince: number | undefined;
  /** Nothing is done by it but that. Throws for what must not happen. */
  become(event: DiskEvent): void;
  /** It is ours: its clients are answered. */
  open(): void;
  /** It has moved, on record: from now on `next` answers its clients, those that wait first. */
  passOn(next: BlockDevice, to: string): void;
  /** Nobody will answer those that wait, who have been hung up on: what they asked for fails, at no disk at all. */
  discard(): void;
}

export interface LiveDiskOptions {
  /** Bytes: the grain of tracking. */
  readonly granularity: number;
  readonly link: LinkIdentity;
  /** Gives a device that does the same, measured. */
  readonly meter?: ((device: BlockDevice) => BlockDevice) | undefined;
  /** In which state it begins. */
  readonly is: "waiting" | "local" | "moved";
}

export function createLiveDisk(parts: LiveDiskParts, options: LiveDiskOptions): LiveDisk {
  const { name, readOnly } = parts;
  const lower = createSwitchableDevice(parts.device);
  const { guest: served, disk, tracker, control } = trackWrites(lower.device, { granularity: options.granularity });
  let state: DiskState = { is: options.is };
  let heldSince: number | undefined;

  const become = (event: DiskEvent): void => {
    state = nextState(state, event);
  };
  const hold = async (): Promise<void> => {
    heldSince ??= performance.now();
    await control.pause();
  };
  const letGo = (): void => {
    heldSince = undefined;
    void control.resume(); // it begins them before it returns, and cannot fail
  };
  if (state.is !== "local") void hold(); // nothing is under way yet, so nothing is waited for

  /** What is answered by `next` no migration that has not tidied up yet has a hand in. */
  const exchange = (next: BlockDevice): void => {
    control.mirror(undefined);
    control.throttle(undefined);
    lower.exchange(next);
  };

  return {
    name,
    parts,
    export: {
      name,
      device: options.meter?.(served) ?? served,
      readOnly,
      blockSizes: { minimum: parts.disk.minimumBlock },
      link: options.link,
    },
    get state() {
      return state;
    },
    disk,
    tracker,
    guest: {
      ...control,
      async pause() {
        become({ do: "pause" });
        try {
          await hold();
        } catch (error) {
          if (state.is === "paused") become({ do: "release" });
          if (state.is === "local") heldSince = undefined;
          throw error;
        }
      },
      async resume() {
        become({ do: "release" }); // throws where commit was asked for: before anything is let go
        letGo();
      },
    },
    get heldSince() {
      return heldSince;
    },
    become,
    open() {
      become({ do: "open" });
      letGo();
    },
    passOn(next, to) {
      become({ do: "forward", to }); // throws where MOVED is not on record: before anything is let go
      exchange(next);
      letGo();
    },
    discard() {
      exchange(createNoDevice(parts.device, new DeviceError("closed", name, "it is not served here any more"))); // first: let go before that, they would reach a disk that may be another's
      letGo();
    },
  };
}
