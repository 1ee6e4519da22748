import { CommandError } from "../command-error.ts";

/** What commander makes of the options that only a QEMU's disks have. */
export interface QmpFlags {
  readonly qmp?: string;
  readonly nbdSocket?: string;
}

/** Where the disks are no QEMU's. Throws `CommandError` `usage`. */
export function refuseQmpOptions({ nbdSocket }: QmpFlags): void {
  if (nbdSocket !== undefined) throw new CommandError("usage", "--nbd-socket goes with --qmp URL");
}
