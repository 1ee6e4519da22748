import { type DiskKind, type GuestDisks, makeGuestDisks, makeTargets } from "./guest-disks.ts";
import { type GuestImage, makeGuestImage } from "./guest-image.ts";
import { listenForCommands, type LiveGuest, liveGuestOf } from "./live-guest.ts";
import { listeningAt } from "./migration.ts";
import type { QemuRelease } from "./qemu-release.ts";
import { type Qemu, startQemu } from "./qemu.ts";

interface MovingGuestOptions extends DiskKind {
  /** Where its own files may be: `temporaryFolder()`. */
  readonly path: (name: string) => string;
  readonly release: QemuRelease;
  /** Default: guest-live.sh. */
  readonly init?: "guest-live.sh" | "guest-twins.sh";
  /**
   * It rests for 20 ms between two writes. Where many moves are troubled it counts that the guest goes on, not how much it writes; one
   * that never rests takes under TCG a processor for itself.
   */
  readonly rests?: boolean;
}

type DestinationOptions = Pick<MovingGuestOptions, "path" | "release"> & {
  /** Default: "destination". */
  readonly name?: string;
};

/** A guest at work on two disks of a QEMU. */
export interface MovingGuest extends GuestDisks {
  readonly qemu: Qemu;
  readonly guest: LiveGuest;
  readonly image: GuestImage;
}

/** A machine that a guest can go to, from any release to any. */
export interface Destination {
  readonly qemu: Qemu;
  readonly disks: GuestDisks["disks"];
  /** What `migrate` is told. */
  readonly uri: string;
  /** The guest, when it has come. */
  readonly guest: LiveGuest;
}

/** Known to all releases: only between equal ones a machine moves. */
const MACHINE = "pc-i440fx-7.2";

/** Boots it. It is killed when the test is over. */
export async function startMovingGuest(options: MovingGuestOptions): Promise<MovingGuest> {
  const { path, release, init = "guest-live.sh", rests = false } = options;
  const { disks, origin } = makeGuestDisks(path, options);
  const made = makeGuestImage(path, init);
  const image = rests ? { ...made, append: `${made.append} blkmig.rest=20000` } : made;
  const commands = await listenForCommands(path("source.commands"));
  const machine = { machine: MACHINE, guest: image, disks, more: commands.more };
  const qemu = await startQemu({ path, name: "source", release, ...machine });
  return { qemu, guest: await liveGuestOf(qemu, commands), image, disks, origin };
}

/** Waits for the same guest with disks of its own. Its serial lines go on with what the guest says from then on. */
export async function startDestination(
  { path, release, name = "destination" }: DestinationOptions,
  { image }: MovingGuest,
): Promise<Destination> {
  const disks = makeTargets(path, name);
  const commands = await listenForCommands(path(`${name}.commands`));
  const machine = { machine: MACHINE, guest: image, disks, more: commands.more };
  const waits = { incoming: "tcp:127.0.0.1:0", paused: true };
  const qemu = await startQemu({ path, name, release, ...machine, ...waits });
  return { qemu, disks, uri: await listeningAt(qemu.qmp), guest: await liveGuestOf(qemu, commands) };
}
