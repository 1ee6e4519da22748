import type { Qmp } from "@blkmig/qemu";

import type { Dangers } from "../arguments/parse-dangers.ts";
import { CommandError } from "../command-error.ts";
import { resolveLinesOf } from "../send/recorded-sources.ts";
import { describeRecovered, type Recovered, recoverQemu, type RecoverQemuOptions } from "./recover-qemu.ts";

export interface ClearQemuOptions {
  /** Of all its disks. */
  readonly records: RecoverQemuOptions["records"];
  readonly dangers: Dangers;
  /** The receiver may be asked what became of a migration in doubt. */
  readonly resume: boolean;
  readonly stateDir?: string;
  readonly warn: (message: string) => void;
}

/**
 * Makes a QEMU free for a migration: what an earlier run has left is removed, and that is said. Gives the migration in doubt that is
 * taken up, if one is. Throws `QemuError`, and
 * `CommandError` `refused` for one that is in another migration, in doubt, or has moved.
 */
export async function clearQemu(qmp: Qmp, options: ClearQemuOptions): Promise<string | undefined> {
  const { records, resume, warn } = options;
  let takenUp: string | undefined;
  const inDoubt = records.find((record) => record?.role === "source" && record.state === "asked");
  const takeOver = resume && inDoubt ? { takeOver: inDoubt.migration } : {};
  for (const recovered of await recoverQemu(qmp, { records, ...takeOver })) {
    const why = whyRefused(qmp.url, recovered, options);
    if (why !== undefined) throw new CommandError("refused", why);
    warn(describeRecovered(qmp.url, recovered));
    if (recovered.how === "taken-over") takenUp = recovered.migration;
  }
  return takenUp;
}

function whyRefused(url: string, recovered: Recovered, options: ClearQemuOptions): string | undefined {
  const { dangers, stateDir } = options;
  const said = describeRecovered(url, recovered);
  switch (recovered.how) {
    case "under-way":
      return `${said}: wait for its end, or end that process`;
    case "moved":
      return dangers.moved ? undefined : `${said}: --force moved sends what is left here`;
    case "in-doubt": {
      const [keep, gone] = resolveLinesOf({ role: "qmp", path: url }, recovered.migration, stateDir);
      return `${said}. Say --resume to ask the receiver, or end it by hand: \`${keep}\` or \`${gone}\``;
    }
    case "taken-over":
    case "cleaned":
      return undefined;
  }
}
