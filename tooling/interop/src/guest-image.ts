import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

/** What QEMU boots. */
export interface GuestImage {
  readonly kernel: string;
  readonly initrd: string;
  readonly append: string;
}

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const CPIO = "cpio";
const MODPROBE = "/sbin/modprobe";
/** A guest that is starved of its processor, or was stopped for a while, is not to call that an error. */
const PATIENT = "nowatchdog rcupdate.rcu_cpu_stall_suppress=1";
const CLOUD_KERNEL = /^vmlinuz-(?<version>.+-cloud-amd64)$/;

/** The newest installed cloud kernel's version: the only one whose modules are few and whose boot is short. */
export function cloudKernel(): string | undefined {
  const names = existsSync("/boot") ? readdirSync("/boot") : [];
  const versions = names.map((name) => CLOUD_KERNEL.exec(name)?.groups?.["version"]);
  return versions
    .filter((version) => version !== undefined)
    .toSorted()
    .at(-1);
}

/**
 * Makes a guest that boots in seconds and writes numbered records to its first disk as long as it runs: guest-init.sh says
 * how, `checkRecords()` reads them. guest-live.sh does more, and can be told to stop: `startLiveGuest()`; guest-twins.sh writes
 * the same records to two disks. It takes a tenth of a second, so every test makes its own.
 */
export function makeGuestImage(
  path: (name: string) => string,
  init: "guest-init.sh" | "guest-live.sh" | "guest-twins.sh" = "guest-init.sh",
): GuestImage {
  const version = cloudKernel();
  if (version === undefined) throw new Error("linux-image-cloud-amd64 is not installed");
  const root = path("guest-root");
  mkdirSync(join(root, "bin"), { recursive: true });
  mkdirSync(join(root, "modules"));
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  copyFileSync(beside(init), join(root, "init"));
  copyFileSync(beside("guest-records.sh"), join(root, "records.sh"));
  chmodSync(join(root, "init"), 0o755);
  const modules = modulesInOrder(version, ["virtio_blk", "virtio_pci"]);
  for (const module of modules) copyFileSync(module, join(root, "modules", basename(module)));
  writeFileSync(join(root, "modules/order"), modules.map((module) => `${basename(module)}\n`).join(""));
  writeFileSync(path("guest.initrd"), gzipSync(cpioOf(root), { level: 1 }));
  return {
    kernel: `/boot/vmlinuz-${version}`,
    initrd: path("guest.initrd"),
    append: `console=ttyS0 panic=-1 quiet no_timer_check ${PATIENT}`,
  };
}

/** The files of these modules and of all that they need, each after what it needs. */
function modulesInOrder(version: string, names: readonly string[]): readonly string[] {
  const steps = names.map((name) =>
    execFileSync(MODPROBE, ["--set-version", version, "--show-depends", name], { encoding: "utf8" }),
  );
  // Lines are "insmod FILE" or, where it is built into the kernel, "builtin NAME".
  const files = steps.flatMap((step) => [...step.matchAll(/^insmod (\S+)/gm)].map(([, file]) => file!));
  return [...new Set(files)];
}

function cpioOf(folder: string): Uint8Array {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted();
  return execFileSync(CPIO, ["-o", "-H", "newc", "--quiet"], {
    cwd: folder,
    input: names.map((name) => `${name}\n`).join(""),
    maxBuffer: 64 * 1048576,
  });
}
