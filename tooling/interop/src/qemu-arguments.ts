import type { GuestImage } from "./guest-image.ts";
import type { QemuRelease } from "./qemu-release.ts";

export interface QemuDisk {
  /** The drive's, which travels in the classic stream; as a `blockdev` it is the device's. */
  readonly id: string;
  readonly path: string;
  /** A backing file is what the image itself says. Default: "raw". */
  readonly format?: "raw" | "qcow2";
  /** How it is told to QEMU: `-drive`, as people do it, or `-blockdev`, as libvirt does. Default: "drive". */
  readonly as?: "drive" | "blockdev";
  /** Served by a thread of its own. */
  readonly iothread?: boolean;
  readonly readOnly?: boolean;
  /** QEMU's cache mode. Default: "writeback"; a flush of the guest is an fsync of the file. */
  readonly cache?: "writeback" | "none" | "unsafe" | "directsync";
}

export interface QemuOptions {
  /** Where its own files may be: `temporaryFolder()`. */
  readonly path: (name: string) => string;
  /** Tells several QEMUs of one test apart. Default: "qemu". */
  readonly name?: string;
  /** Default: "7.2", which is the installed one, whatever it is. */
  readonly release?: QemuRelease;
  /** Default: "pc". "none" has neither memory nor devices: its disks are nobody's, and can be sent but not received. */
  readonly machine?: string;
  /** Bytes of memory. Default: 96 MiB; the guest image boots in 80, not in 64. */
  readonly memory?: number;
  readonly disks?: readonly QemuDisk[];
  /** What to boot. Default: nothing, so that the firmware looks for something for ever. */
  readonly guest?: GuestImage;
  /** Where to receive, as `tcp:127.0.0.1:0`, `exec:cat FILE`, or `defer`: then `migrate-incoming` says where. */
  readonly incoming?: string;
  /** Does not run until it is told to: `-S`. */
  readonly paused?: boolean;
  /** More of QEMU's own arguments. */
  readonly more?: readonly string[];
}

const MIB = 1048576;
const WITHOUT_FRILLS = ["-accel", "tcg", "-nodefaults", "-display", "none", "-no-reboot"];

/** The command line, without the monitor; the serial line connects to a unix socket. Two QEMUs with equal machine, memory and disks' ids can follow one another. */
export function qemuArguments(options: QemuOptions, serialPath: string): readonly string[] {
  const { machine = "pc", memory = 96 * MIB, disks = [], guest, incoming, paused = false, more = [] } = options;
  const bare = machine === "none";
  return [
    "-M",
    machine,
    ...WITHOUT_FRILLS,
    ...(bare ? [] : ["-m", `${memory / MIB}M`, "-serial", `unix:${serialPath}`]),
    ...(guest ? ["-kernel", guest.kernel, "-initrd", guest.initrd, "-append", guest.append] : []),
    ...disks.flatMap((disk) => diskArguments(disk, bare)),
    ...(incoming === undefined ? [] : ["-incoming", incoming]),
    ...(paused ? ["-S"] : []),
    ...more,
  ];
}

function diskArguments(disk: QemuDisk, bare: boolean): readonly string[] {
  const { id, as = "drive", iothread = false } = disk;
  const backend = as === "drive" ? driveArguments(disk) : blockdevArguments(disk);
  if (bare) return backend;
  const named = as === "drive" ? `drive=${id}` : `drive=${nodeOf(disk)},id=${id}`;
  if (!iothread) return [...backend, "-device", `virtio-blk-pci,${named}`];
  const thread = `thread-${id}`;
  return [...backend, "-object", `iothread,id=${thread}`, "-device", `virtio-blk-pci,${named},iothread=${thread}`];
}

const nodeOf = ({ id }: QemuDisk): string => `node-${id}`;

function driveArguments({ id, path, format = "raw", readOnly = false, cache }: QemuDisk): readonly string[] {
  const file = `file=${path.replaceAll(",", ",,")},format=${format}`;
  const drive = `id=${id},if=none,${file},cache=${cache ?? "writeback"},discard=unmap`;
  return ["-drive", readOnly ? `${drive},readonly=on` : drive];
}

function blockdevArguments(disk: QemuDisk): readonly string[] {
  const { path, format = "raw", readOnly = false } = disk;
  const file = { driver: "file", filename: path, discard: "unmap" };
  const node = { driver: format, "node-name": nodeOf(disk), "read-only": readOnly, discard: "unmap", file };
  return ["-blockdev", JSON.stringify(node)];
}
