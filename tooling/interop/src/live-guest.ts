import type { Socket } from "node:net";

import { filesTold, untilFile } from "./guest-files.ts";
import { makeGuestImage } from "./guest-image.ts";
import { recordsTold, untilRecord } from "./guest-records.ts";
import type { Entries, Journal } from "./journal.ts";
import { listenOnce, type OneListener } from "./listen-once.ts";
import { type Qemu, startQemu } from "./qemu.ts";

/** Where QEMU finds a disk: an NBD server's address, and an export of it. */
export interface NbdPlace {
  readonly server:
    | { readonly type: "unix"; readonly path: string }
    | { readonly type: "inet"; readonly host: string; readonly port: string };
  readonly export: string;
  /** Seconds in which QEMU tries to connect again before the guest gets errors. Default: none. */
  readonly "reconnect-delay"?: number;
}

interface LiveGuestOptions {
  /** Where its own files may be: `temporaryFolder()`. */
  readonly path: (name: string) => string;
  /** A disk for numbered records. */
  readonly records: NbdPlace;
  /** A disk with a file system on it: `makeFileSystem()`. */
  readonly files: NbdPlace;
}

/** A guest of guest-live.sh: it works on both its disks until it is told to stop. */
export interface LiveGuest {
  /** What it says; `stallsSince()`, `troubles()` and others read it. */
  readonly serial: Journal<string>;
  /** Waits until it has said that so many more records, and one more file, are durable. Throws what it says is wrong. */
  goesOn(records?: number): Promise<void>;
  /** Waits until it has written everything and let go of its file system; then ends QEMU. Throws what it says is wrong. */
  stop(): Promise<void>;
}

/** Boots it, and waits until it has written to both its disks. It is killed when the test is over. */
export async function startLiveGuest({ path, records, files }: LiveGuestOptions): Promise<LiveGuest> {
  const commands = await listenForCommands(path("guest.commands"));
  const more = [...commands.more, ...nbdDisk("vda", records), ...nbdDisk("vdb", files)];
  const qemu = await startQemu({ path, guest: makeGuestImage(path, "guest-live.sh"), more });
  const guest = await liveGuestOf(qemu, commands);
  await guest.goesOn(1);
  return guest;
}

/** The guest's second serial line. */
export interface GuestCommands {
  readonly listener: OneListener;
  /** For QEMU's command line. */
  readonly more: readonly string[];
}

export async function listenForCommands(socket: string): Promise<GuestCommands> {
  return { listener: await listenOnce(socket), more: ["-serial", `unix:${socket}`] };
}

/** The guest that a QEMU has booted, or that has come to it. */
export async function liveGuestOf(qemu: Qemu, { listener }: GuestCommands): Promise<LiveGuest> {
  const { serial } = qemu;
  const commands = await listener.connected;
  ignoreEcho(commands);
  const newest = async (of: "record" | "file"): Promise<number> => {
    const told = (of === "record" ? recordsTold : filesTold)(serial).at(-1);
    // One that has come from elsewhere has been counting for a while, and says so with its first line.
    const line = told === undefined ? await serial.until((text) => text.startsWith(`${of} `)) : `${of} ${told}`;
    return Number(line.slice(of.length));
  };
  const goesOn = async (count = 10): Promise<void> => {
    const [record, file] = await Promise.race([Promise.all([newest("record"), newest("file")]), inTrouble(serial)]);
    const written = Promise.all([untilRecord(serial, record + count), untilFile(serial, file + 1)]);
    await Promise.race([written, inTrouble(serial)]);
  };
  const stop = async (): Promise<void> => {
    commands.write("stop\n");
    await Promise.race([serial.until((line) => line === "guest has stopped"), inTrouble(serial)]);
    await qemu.stop();
  };
  return { serial, goesOn, stop };
}

/** Errors are for the guest to see: QEMU does not stop it. */
function nbdDisk(name: string, place: NbdPlace): readonly string[] {
  const node = { driver: "raw", "node-name": name, discard: "unmap", file: { driver: "nbd", ...place } };
  const device = `virtio-blk-pci,drive=${name},werror=report,rerror=report`;
  return ["-blockdev", JSON.stringify(node), "-device", device];
}

/** A terminal echoes what is typed; a pipe full of that would stop the guest. */
function ignoreEcho(terminal: Socket): void {
  terminal.resume();
  // A QEMU that is killed resets the connection; that it has ended is told by its exit.
  terminal.on("error", () => undefined);
}

const TROUBLE = /^(?:kernel:|failed |lost )/;

/** What a guest says when something is wrong: errors of its kernel, writes that failed, what reads back otherwise. */
export function troubles(serial: Entries<string>): readonly string[] {
  return serial.entries.filter((line) => TROUBLE.test(line));
}

/** Throws what is wrong as soon as it is said: what is waited for may never come then. */
async function inTrouble(serial: Journal<string>): Promise<never> {
  const trouble = await serial.until((line) => TROUBLE.test(line));
  throw new Error(`the guest says: ${trouble}`);
}
