import { EXIT } from "../exit-code.ts";
import type { CommandWorld } from "../run-command.ts";
import { describeSource } from "./describe-source.ts";
import { describeTarget } from "./describe-target.ts";
import { lookAtDisk } from "./recorded-disk.ts";
import { refuseRecord } from "./refuse-record.ts";
import { statusOfServer } from "./status-of-server.ts";
import type { StatusOptions } from "./status-options.ts";

/** Says what a disk is, what a server does, or what a QEMU has, and only reads unless a QEMU shall be cleaned. Gives the exit code. */
export async function status(options: StatusOptions, world: CommandWorld): Promise<number> {
  if (options.role === "control") return statusOfServer(options.control, world);
  if (options.role === "qmp") {
    const { statusOfQemu } = await import("./status-of-qemu.ts");
    return statusOfQemu(options, world);
  }
  const { output, signal } = world;
  const { role, path, stateDir } = options;
  const disk = await lookAtDisk(path, { ...options, signal }).catch(refuseRecord);
  const describe = role === "target" ? describeTarget : describeSource;
  const { fields, lines } = describe(disk, stateDir);
  const [first, ...more] = lines;
  output.say(`${path}: ${first}`);
  for (const line of more) output.say(line);
  output.event(role, { path, size: disk.size, ...fields });
  return EXIT.ok;
}
