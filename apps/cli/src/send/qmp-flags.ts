import { CommandError } from "../command-error.ts";

/** What commander makes of the options that only a QEMU's disks have. */
export interface QmpFlags {
  readonly qmp?: string;
  readonly nbdSocket?: string;
  readonly migrateTo?: string;
  readonly toQmp?: string;
}

/** Where the disks are no QEMU's. Throws `CommandError` `usage`. */
export function refuseQmpOptions({ nbdSocket, migrateTo, toQmp }: QmpFlags): void {
  const said = { "--nbd-socket": nbdSocket, "--migrate-to": migrateTo, "--to-qmp": toQmp };
  for (const [option, value] of Object.entries(said)) {
    if (value !== undefined) throw new CommandError("usage", `${option} goes with --qmp URL`);
  }
}
