import { execFileSync } from "node:child_process";

import { makeFileSystem } from "./guest-files.ts";
import { makeGarbageDisk } from "./make-disk.ts";
import type { QemuDisk } from "./qemu-arguments.ts";

const MIB = 1048576;
const SIZES = { vda: 8 * MIB, vdb: 16 * MIB } as const;
const QEMU_IMG = "qemu-img";

/** The two disks of a guest of guest-live.sh. */
export interface GuestDisks {
  readonly disks: readonly [records: QemuDisk, files: QemuDisk];
  /** What the second one began as: for `lossesOf()`. */
  readonly origin: string;
}

/** How the disks of a guest stand in its QEMU: "mixed" is a raw one and a qcow2. */
export interface DiskKind {
  readonly format: "raw" | "qcow2" | "mixed";
  /** Each is served by a thread of its own. */
  readonly iothreads?: boolean;
}

/** Raw ones are told to QEMU as `-drive`; qcow2 ones as `-blockdev`, and stand above a backing file that has what they begin with. */
export function makeGuestDisks(path: (name: string) => string, { format, iothreads = false }: DiskKind): GuestDisks {
  const records = makeGarbageDisk(path("src-vda"), SIZES.vda);
  const files = makeFileSystem(path("src-vdb"), SIZES.vdb);
  const raw = (id: string, image: string): QemuDisk => ({ id, path: image, iothread: iothreads });
  const layered = (id: string, image: string): QemuDisk => ({
    ...raw(id, layerOver(image)),
    format: "qcow2",
    as: "blockdev",
  });
  const [first, second] = [format === "qcow2" ? layered : raw, format === "raw" ? raw : layered];
  return { disks: [first("vda", records), second("vdb", files)], origin: files };
}

/** New raw ones for the same guest, full of garbage. */
export function makeTargets(path: (name: string) => string, name: string): GuestDisks["disks"] {
  return [
    { id: "vda", path: makeGarbageDisk(path(`${name}-vda`), SIZES.vda) },
    { id: "vdb", path: makeGarbageDisk(path(`${name}-vdb`), SIZES.vdb) },
  ];
}

function layerOver(image: string): string {
  const layer = `${image}.qcow2`;
  execFileSync(QEMU_IMG, ["create", "-q", "-f", "qcow2", "-b", image, "-F", "raw", layer]);
  return layer;
}

/** What differs between what a guest sees of the one and the other, in qemu-img's words; empty if nothing does. QEMUs that do not write may have them. */
export function differences(left: GuestDisks["disks"], right: GuestDisks["disks"]): readonly string[] {
  return left.flatMap((one, index) => {
    const other = right[index]!;
    const formats = ["-f", one.format ?? "raw", "-F", other.format ?? "raw"];
    try {
      execFileSync(QEMU_IMG, ["compare", "-U", ...formats, one.path, other.path], { encoding: "utf8" });
      return [];
    } catch (error) {
      const { status, stdout } = error as { readonly status: number; readonly stdout: string };
      return [`${one.id}: ${status} ${stdout}`];
    }
  });
}
