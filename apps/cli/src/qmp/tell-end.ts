import type { Output } from "../output/output.ts";
import { completedFields, describeEnd } from "../send/describe-statistics.ts";
import type { QemuResult } from "./move-qemu-disks.ts";
import type { SendQemuOptions } from "./send-qemu-options.ts";

/** Tells that it is done, and what the guest is doing now. */
export function tellEnd(
  { proved, statistics, session, memory: ram }: QemuResult,
  { after, machine }: Pick<SendQemuOptions, "after" | "machine">,
  output: Output,
): void {
  const { guest, line } = machine ? THERE : HERE[after];
  output.endProgress();
  for (const each of describeEnd(statistics)) output.say(each);
  output.say(line);
  output.event("completed", { ...completedFields(statistics, proved), ram, migration: session?.migration, guest });
}

const HERE = {
  hold: { guest: "stopped", line: "the guest stays stopped here, and each disk is marked as moved" },
  cont: { guest: "running", line: "the guest goes on here, and each disk stays one of its own" },
} as const;

const THERE = {
  guest: "moved",
  line: "the guest goes on there; here it stays stopped, and each disk is marked as moved",
} as const;
