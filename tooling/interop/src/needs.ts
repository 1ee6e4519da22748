import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

import { cloudKernel } from "./guest-image.ts";
import { programOf } from "./qemu-release.ts";

/** For `describe.skipIf(qemu.missing)(\`… (${qemu.needs})\`)`. */
export interface Needs {
  readonly missing: boolean;
  /** What must be installed, for a title. */
  readonly needs: string;
}

const isInstalled = (program: string): boolean =>
  [...(process.env["PATH"] ?? "").split(delimiter), "/sbin"].some((folder) => existsSync(join(folder, program)));

/** A QEMU whose guest does nothing. */
export const qemu: Needs = {
  missing: !["qemu-system-x86_64", "setpriv"].every((program) => isInstalled(program)),
  needs: "needs qemu-system-x86_64",
};

/** A second QEMU, of today, beside the installed one. */
const qemu10: Needs = {
  missing: qemu.missing || !existsSync(programOf("10.0")),
  needs: "needs QEMU 10.0, which tooling/interop/get-qemu-10.sh gets",
};

/** A QEMU that speaks TLS, with certificates that are made on the spot. */
export const qemuWithTls: Needs = {
  missing: qemu.missing || !isInstalled("openssl"),
  needs: "needs qemu-system-x86_64, openssl",
};

/** A QEMU with its disk on a server of ours, and those who speak NBD beside it. */
export const qemuWithNbd: Needs = {
  missing: qemu.missing || !["qemu-nbd", "qemu-io", "qemu-img", "nbdinfo"].every(isInstalled),
  needs: "needs qemu-system-x86_64, qemu-utils, libnbd-bin",
};

/** A QEMU whose guest boots and writes. */
export const qemuWithGuest: Needs = {
  missing:
    qemu.missing ||
    !existsSync("/bin/busybox") ||
    !["cpio", "modprobe"].every(isInstalled) ||
    cloudKernel() === undefined,
  needs: "needs qemu-system-x86_64, linux-image-cloud-amd64, busybox-static, cpio",
};

/** A QEMU whose guest has a file system too. */
export const liveGuest: Needs = {
  missing: qemuWithGuest.missing || !["mkfs.ext4", "e2fsck", "debugfs"].every(isInstalled),
  needs: `${qemuWithGuest.needs}, e2fsprogs`,
};

/** The same, with its disks on other people's NBD servers. */
export const guestOnNbd: Needs = {
  missing: liveGuest.missing || !["nbdkit", "qemu-nbd"].every(isInstalled),
  needs: `${liveGuest.needs}, nbdkit, qemu-utils`,
};

/** The same, of a guest that goes from one QEMU to another one, both of any release. */
export const movingGuest: Needs = {
  missing: liveGuest.missing || qemu10.missing || !isInstalled("qemu-img"),
  needs: `${liveGuest.needs}, qemu-utils; ${qemu10.needs}`,
};
