import * as v from "valibot";

import { ask } from "./live-ask.ts";
import type { Qmp } from "./qmp-contract.ts";

const EXPORTS = v.array(v.looseObject({ id: v.string(), type: v.string() }));
// A bitmap without a name is some job's own.
const NODES = v.array(
  v.looseObject({
    "node-name": v.optional(v.string(), ""),
    "dirty-bitmaps": v.optional(v.array(v.looseObject({ name: v.optional(v.string(), "") })), []),
  }),
);
const STATUS = v.looseObject({ running: v.boolean(), status: v.string() });
const MIGRATION = v.looseObject({ status: v.optional(v.string(), "none") });

export interface ExportInfo {
  readonly id: string;
  readonly type: string;
}

export interface NodeInfo {
  readonly "node-name": string;
  readonly "dirty-bitmaps": readonly { readonly name: string }[];
}

export interface RunStatus {
  readonly running: boolean;
  readonly status: string;
}

export async function askExports(qmp: Qmp): Promise<readonly ExportInfo[]> {
  return ask(qmp, "query-block-exports", EXPORTS);
}

/** Without their backing chains: each layer is a node of its own. */
export async function askNodes(qmp: Qmp): Promise<readonly NodeInfo[]> {
  return ask(qmp, "query-named-block-nodes", NODES, { flat: true });
}

export async function askStatus(qmp: Qmp): Promise<RunStatus> {
  return ask(qmp, "query-status", STATUS);
}

/** Of QEMU's own migration; `none` where there was none. */
export async function askMigration(qmp: Qmp): Promise<string> {
  return (await ask(qmp, "query-migrate", MIGRATION)).status;
}
