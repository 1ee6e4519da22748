import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { BlockDevice, DirtySet } from "@blkmig/device";
import { openNbd } from "@blkmig/nbd";

import { connectQmp } from "./connect-qmp.ts";
import type { ChosenQemuDisk } from "./disks-contract.ts";
import { chooseQemuDisks, listQemuDisks } from "./list-disks.ts";
import type { OpenLiveDisksOptions, QemuLiveDisks } from "./live-contract.ts";
import { openLiveDisks } from "./open-live-disks.ts";
import type { Qmp } from "./qmp-contract.ts";
import { type RealQemu, startRealQemu } from "./real-qemu.test-kit.ts";

const MiB = 1024 * 1024;

/** A QEMU with two disks of 16 MiB that nobody but a test writes, full of garbage. */
export interface LiveMachine {
  readonly qemu: RealQemu;
  readonly qmp: Qmp;
  /** Of somebody else. */
  readonly second: Qmp;
  readonly disks: readonly ChosenQemuDisk[];
  readonly folder: string;
  readonly warnings: readonly string[];
  open(options?: Partial<OpenLiveDisksOptions>): Promise<QemuLiveDisks>;
  /** A guest's request, as `qemu-io` spells it: through the drive, so that bitmaps see it. */
  io(disk: number, command: string): Promise<void>;
  /**
   * The disk as somebody else has it who writes while we look: another export, whose writes bitmaps see too. One at a time, and while no
   * command is under way: see export-pass.ts.
   */
  writer(disk: number): Promise<BlockDevice>;
  /** What is in QEMU and was put there from outside: exports, bitmaps. */
  traces(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function startLiveMachine(binary: readonly string[]): Promise<LiveMachine> {
  const folder = mkdtempSync(join(tmpdir(), "blkmig-live-"));
  const args = Array.from({ length: 2 }, (_, index) => {
    const file = join(folder, `d${index}.raw`);
    writeFileSync(file, new Uint8Array(MiB).fill(0xee));
    truncateSync(file, 16 * MiB);
    // One of each kind: a drive, and a node of its own.
    const backend =
      index % 2 === 0
        ? ["-drive", `id=d${index},if=none,file=${file},format=raw,discard=unmap`]
        : [
            "-blockdev",
            `node-name=d${index},driver=raw,discard=unmap,file.driver=file,file.discard=unmap,file.filename=${file}`,
          ];
    return [...backend, "-device", `virtio-blk-pci,drive=d${index},id=v${index},share-rw=on`];
  }).flat();
  const qemu = await startRealQemu({
    path: join(folder, "qmp"),
    args: [...args, "-qmp", `unix:${folder}/second,server=on,wait=off`],
    binary,
  });
  const qmp = await connectQmp(qemu.address);
  const second = await connectQmp({ kind: "unix", path: join(folder, "second") });
  const disks = chooseQemuDisks(qmp.url, await listQemuDisks(qmp));
  const warnings: string[] = [];
  const opened: QemuLiveDisks[] = [];
  const writers: BlockDevice[] = [];
  return {
    qemu,
    qmp,
    second,
    disks,
    folder,
    warnings,
    async open(options = {}) {
      const socket = join(folder, "nbd");
      const warn = (message: string): void => void warnings.push(message);
      const live = await openLiveDisks({ qmp, disks, migration: "m1", socket, warn, ...options });
      opened.push(live);
      return live;
    },
    async io(disk, command) {
      const target = disk % 2 === 0 ? `d${disk}` : `-d /machine/peripheral/v${disk}/virtio-backend`;
      const said = await qmp.execute("human-monitor-command", { "command-line": `qemu-io ${target} "${command}"` });
      if (said !== "") throw new Error(`${command}: ${String(said)}`); // what it did, QEMU writes to its own output
    },
    async writer(disk) {
      const id = `writer-${disk}`;
      const node = disks[disk]!.disk.node;
      await qmp.execute("block-export-add", { type: "nbd", id, name: id, "node-name": node, writable: true });
      const at = { kind: "unix", path: join(folder, "nbd") } as const;
      const device = await openNbd({ at, exportName: id, secure: false }, { connections: 1, reconnectFor: 0 });
      writers.push(device);
      return device;
    },
    async traces() {
      const exports = (await qmp.execute("query-block-exports")) as { id: string }[];
      const nodes = (await qmp.execute("query-named-block-nodes", { flat: true })) as {
        "dirty-bitmaps"?: { name: string }[];
      }[];
      const bitmaps = nodes.flatMap((node) => node["dirty-bitmaps"] ?? []);
      return [...exports.map(({ id }) => id), ...bitmaps.map(({ name }) => name)].toSorted();
    },
    async close() {
      for (const writer of writers) await writer.close();
      for (const live of opened) await live.close().catch(() => {});
      qmp.close();
      second.close();
      await qemu.kill();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Of each set, where its runs begin and how long they are. */
export function runsOf(sets: readonly DirtySet[]): readonly (readonly (readonly [number, number])[])[] {
  return sets.map((set) => [...set.runs()].map(({ offset, length }) => [offset, length] as const));
}

/** The same monitor, with something that happens around its commands. */
export function around(qmp: Qmp, happens: Around): Qmp {
  return {
    ...qmp,
    async execute(command, parameters, options) {
      await happens.before?.(command, parameters ?? {});
      const result = await qmp.execute(command, parameters, options);
      await happens.after?.(command, parameters ?? {});
      return result;
    },
  };
}

interface Around {
  /** What it throws, the command throws, and is not carried out. */
  before?(command: string, parameters: Readonly<Record<string, unknown>>): Promise<void>;
  after?(command: string, parameters: Readonly<Record<string, unknown>>): Promise<void>;
}
