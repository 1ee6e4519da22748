import * as v from "valibot";

import { ask } from "./live-ask.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

const amount = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** An image, and the one below it: a backing file, or what a filter filters. */
export interface ImageLayer {
  readonly filename: string;
  readonly format: string;
  readonly "virtual-size": number;
  readonly "backing-image"?: ImageLayer | undefined;
}

const LAYER: v.GenericSchema<ImageLayer> = v.looseObject({
  filename: v.string(),
  format: v.string(),
  "virtual-size": amount,
  "backing-image": v.optional(v.lazy(() => LAYER)),
});
const BLOCKS = v.array(
  v.looseObject({
    device: v.string(),
    qdev: v.optional(v.string(), ""),
    inserted: v.optional(v.looseObject({ "node-name": v.string(), drv: v.string(), ro: v.boolean(), image: LAYER })),
  }),
);
const NODES = v.array(
  v.looseObject({ drv: v.string(), file: v.string(), image: v.looseObject({ "virtual-size": amount }) }),
);
const JOBS = v.array(v.looseObject({ device: v.string(), type: v.string() }));
const GRAPH = v.looseObject({
  nodes: v.array(v.looseObject({ id: amount, type: v.string(), name: v.string() })),
  edges: v.array(v.looseObject({ parent: amount, child: amount, perm: v.array(v.string()) })),
});

/** A drive, with what is inserted in it. */
export interface BlockInfo {
  readonly device: string;
  readonly qdev: string;
  readonly inserted?: BlockInserted | undefined;
}

interface BlockInserted {
  readonly "node-name": string;
  readonly drv: string;
  readonly ro: boolean;
  readonly image: ImageLayer;
}

export interface StoredNode {
  readonly drv: string;
  readonly file: string;
  readonly image: { readonly "virtual-size": number };
}

export interface JobInfo {
  readonly device: string;
  readonly type: string;
}

/** Who uses which node, and for what. */
export interface BlockGraph {
  readonly nodes: readonly { readonly id: number; readonly type: string; readonly name: string }[];
  readonly edges: readonly { readonly parent: number; readonly child: number; readonly perm: readonly string[] }[];
}

export async function askBlocks(qmp: Qmp): Promise<readonly BlockInfo[]> {
  return ask(qmp, "query-block", BLOCKS);
}

export async function askStoredNodes(qmp: Qmp): Promise<readonly StoredNode[]> {
  return ask(qmp, "query-named-block-nodes", NODES, { flat: true });
}

export async function askJobs(qmp: Qmp): Promise<readonly JobInfo[]> {
  return ask(qmp, "query-block-jobs", JOBS);
}

/** Undefined where QEMU will not say: the command is no promise of QEMU's, although every version since 4.0 has it. */
export async function askGraph(qmp: Qmp): Promise<BlockGraph | undefined> {
  try {
    return await ask(qmp, "x-debug-query-block-graph", GRAPH);
  } catch (error) {
    if (error instanceof QemuError && ["refused", "not-supported"].includes(error.code)) return undefined;
    throw error;
  }
}
