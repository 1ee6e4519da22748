import * as v from "valibot";

import { ask } from "./live-ask.ts";
import type { Qmp } from "./qmp-contract.ts";

const EXPORTS = v.array(v.looseObject({ id: v.string(), type: v.string(), "shutting-down": v.boolean() }));
const STATUS = v.looseObject({ running: v.boolean(), status: v.string() });

export interface ExportInfo {
  readonly id: string;
  readonly type: string;
  readonly "shutting-down": boolean;
}

export interface RunStatus {
  readonly running: boolean;
  readonly status: string;
}

/** Anybody's. Throws `QemuError`. */
export async function askExports(qmp: Qmp): Promise<readonly ExportInfo[]> {
  return ask(qmp, "query-block-exports", EXPORTS);
}

/** Throws `QemuError`. */
export async function askStatus(qmp: Qmp): Promise<RunStatus> {
  return ask(qmp, "query-status", STATUS);
}

/** How QEMU calls what its guest does: `running`, `paused`, `inmigrate`, `finish-migrate`, `postmigrate` … Throws `QemuError`. */
export async function askForGuest(qmp: Qmp): Promise<string> {
  return (await askStatus(qmp)).status;
}
