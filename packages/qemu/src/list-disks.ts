import {
  askBlocks,
  askGraph,
  askJobs,
  askStoredNodes,
  type BlockGraph,
  type BlockInfo,
  type JobInfo,
  type StoredNode,
} from "./disk-answers.ts";
import { whyUnsafeThread } from "./disk-iothread.ts";
import { describeLayers } from "./disk-layers.ts";
import { whyBusy } from "./disk-users.ts";
import type { QemuDisk } from "./disks-contract.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

export { chooseQemuDisks } from "./disk-choice.ts";

const SECTOR = 512;

interface Surroundings {
  readonly nodes: readonly StoredNode[];
  readonly jobs: readonly JobInfo[];
  readonly graph: BlockGraph | undefined;
}

/** The machine's disks, in QEMU's order. Throws `QemuError`: `not-supported` for a QEMU before 5.2. */
export async function listQemuDisks(qmp: Qmp): Promise<readonly QemuDisk[]> {
  assertNewEnough(qmp);
  const [blocks, nodes, jobs, graph] = await Promise.all([
    askBlocks(qmp),
    askStoredNodes(qmp),
    askJobs(qmp),
    askGraph(qmp),
  ]);
  return Promise.all(blocks.map(async (block) => describeDisk(qmp, block, { nodes, jobs, graph })));
}

function assertNewEnough({ url, version: { major, minor, micro } }: Qmp): void {
  if (major > 5 || (major === 5 && minor >= 2)) return;
  const what = `QEMU ${major}.${minor}.${micro} cannot export its disks to blkmig (no block-export-add): use 5.2 or later`;
  throw new QemuError("not-supported", url, what);
}

async function describeDisk(qmp: Qmp, block: BlockInfo, around: Surroundings): Promise<QemuDisk> {
  const { inserted } = block;
  const names = { ids: idsOf(block), qdev: objectOf(block) };
  if (!inserted) {
    const nothing = { node: undefined, size: 0, format: "", backingDepth: 0, storage: undefined };
    return { ...names, ...nothing, unfit: { how: "left-out", why: "it is empty" } };
  }
  const { "node-name": node, drv: format, image } = inserted;
  const size = image["virtual-size"];
  const disk = { ...names, node, size, format, ...describeLayers(image, around.nodes) };
  const leftOut = whyLeftOut(disk, inserted.ro);
  if (leftOut !== undefined) return { ...disk, unfit: { how: "left-out", why: leftOut } };
  const why =
    whyWrongSize(size) ?? whyBusy(node, around.jobs, around.graph) ?? (await whyUnsafeThread(qmp, disk.qdev ?? ""));
  return { ...disk, unfit: why === undefined ? undefined : { how: "refused", why } };
}

function whyLeftOut({ qdev, size }: Pick<QemuDisk, "qdev" | "size">, isReadOnly: boolean): string | undefined {
  if (qdev === undefined) return "no device of the machine has it";
  if (isReadOnly) return "it is read-only";
  return size === 0 ? "its size is 0" : undefined;
}

function whyWrongSize(size: number): string | undefined {
  return size % SECTOR === 0 ? undefined : `its size of ${size} bytes is no multiple of ${SECTOR}`;
}

/** QEMU says a path of a device without an id, or of a part of one, and of any other device its id alone. */
function objectOf({ qdev }: BlockInfo): string | undefined {
  if (qdev === "") return undefined;
  return qdev.startsWith("/") ? qdev : `/machine/peripheral/${qdev}`;
}

function idsOf(block: BlockInfo): readonly string[] {
  const device = /^\/machine\/peripheral\/([^/]+)/u.exec(objectOf(block) ?? "")?.[1] ?? "";
  const node = block.inserted?.["node-name"] ?? "";
  const given = [device, block.device, node.startsWith("#") ? "" : node].filter((id) => id !== "");
  return given.length > 0 ? [...new Set(given)] : [node || block.qdev];
}
