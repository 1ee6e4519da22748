import * as v from "valibot";

import { ask } from "./live-ask.ts";
import type { Qmp } from "./qmp-contract.ts";

const STATUS = v.looseObject({ status: v.string() });

/** How QEMU calls what its guest does: `running`, `paused`, `inmigrate`, `finish-migrate`, `postmigrate` … Throws `QemuError`. */
export async function askForGuest(qmp: Qmp): Promise<string> {
  return (await ask(qmp, "query-status", STATUS)).status;
}
