import { fileURLToPath } from "node:url";

/** Which QEMU: the one that Debian bookworm has, or the one that get-qemu-10.sh puts beside it. */
export type QemuRelease = "7.2" | "10.0";

const PROGRAMS: Readonly<Record<QemuRelease, string>> = {
  "7.2": "qemu-system-x86_64",
  "10.0": fileURLToPath(new URL("../.qemu/10.0/run", import.meta.url)),
};

export function programOf(release: QemuRelease): string {
  return PROGRAMS[release];
}
