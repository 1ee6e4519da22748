import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { connectQmp, type Qmp } from "@blkmig/qemu";

import { type CopiedDisk, type CopyProgram, type CopyTask, isInstalled } from "./copy-program.ts";
import type { MeasuredRun, Side, Told } from "./measured-run.ts";
import { untilItListens } from "./until-it-listens.ts";

const QEMU = "qemu-system-x86_64";
const MACHINE = ["-M", "pc", "-m", "16M", "-accel", "tcg", "-nodefaults", "-display", "none", "-S"];
/** More than any loopback has. */
const BYTES_PER_SECOND = 1e13;
/** It reads a whole disk, the holes too. */
const LARGEST = 16 * 1024 ** 3;

/** QEMU's own `migrate -b`, which is gone since 9.1, of a machine that does not run. */
export const qemuPrograms: readonly CopyProgram[] = [
  {
    name: "QEMU migrate -b tcp",
    needs: [QEMU],
    takes: ({ bytes }) => bytes <= LARGEST && canMigrateDisks(),
    copy: copyByQemu,
  },
];

async function copyByQemu(run: MeasuredRun, { disks, folder }: CopyTask): Promise<Told> {
  const to = await startQemu(run, "receiver", folder, [
    ...drivesOf(disks, ({ target }) => target),
    "-incoming",
    "tcp:127.0.0.1:0",
  ]);
  // Not read-only: it would leave such disks out, without a word.
  const from = await startQemu(
    run,
    "sender",
    folder,
    drivesOf(disks, ({ source }) => source),
  );
  await capable(from, ["return-path", "zero-blocks", "events"]);
  await capable(to, ["events"]);
  // With another downtime limit it completes before it has read its disks.
  await from.execute("migrate-set-parameters", { "downtime-limit": 0, "max-bandwidth": BYTES_PER_SECOND });
  const { "socket-address": addresses } = (await to.execute("query-migrate")) as {
    readonly "socket-address": readonly { readonly port: string }[];
  };
  const both = Promise.all([untilMigrated(from), untilMigrated(to)]);
  await run.timed(async () => {
    await from.execute("migrate", { uri: `tcp:127.0.0.1:${addresses[0]!.port}`, blk: true });
    await both;
  });
  // By itself it would end in its own time, and its disks are closed only then.
  await Promise.all([from, to].map(async (qmp) => qmp.execute("quit")));
  return { wireBytes: "loopback" };
}

async function startQemu(run: MeasuredRun, side: Side, folder: string, words: readonly string[]): Promise<Qmp> {
  const path = join(folder, `${side}.qmp`);
  const program = await run.start(side, QEMU, [...MACHINE, ...words, "-qmp", `unix:${path},server=on,wait=off`]);
  await untilItListens({ path }, () => program.process.exitCode !== null);
  return connectQmp({ kind: "unix", path });
}

function drivesOf(disks: readonly CopiedDisk[], fileOf: (disk: CopiedDisk) => string): readonly string[] {
  return disks.flatMap((disk) => [
    "-drive",
    `id=${disk.name},if=none,format=raw,discard=unmap,file=${fileOf(disk)}`,
    "-device",
    `virtio-blk-pci,drive=${disk.name}`,
  ]);
}

async function capable(qmp: Qmp, names: readonly string[]): Promise<void> {
  const capabilities = names.map((capability) => ({ capability, state: true }));
  await qmp.execute("migrate-set-capabilities", { capabilities });
}

/** Listens from the call on. Throws if the migration fails, or QEMU goes away. */
async function untilMigrated(qmp: Qmp): Promise<void> {
  for await (const { event, data } of qmp.events()) {
    if (event !== "MIGRATION") continue;
    if (data["status"] === "completed") return;
    if (data["status"] === "failed") throw new Error("QEMU's migration has failed");
  }
  throw new Error("QEMU ended before its migration had");
}

/** 9.1 has none any more; 9.0 still has it. */
function canMigrateDisks(): boolean {
  if (!isInstalled(QEMU)) return false;
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(execFileSync(QEMU, ["--version"], { encoding: "utf8" })) ?? [];
  return Number(major) < 9 || (major === "9" && minor === "0");
}
