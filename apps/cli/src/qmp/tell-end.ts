import type { MigrationResult } from "@blkmig/source";

import type { Output } from "../output/output.ts";
import { completedFields, describeEnd } from "../send/describe-statistics.ts";
import type { AfterMove } from "./send-qemu-options.ts";

/** Tells that it is done, and what the guest here is doing now. */
export function tellEnd(
  { proved, statistics, session }: MigrationResult,
  { after }: { readonly after: AfterMove },
  output: Output,
): void {
  output.endProgress();
  for (const line of describeEnd(statistics)) output.say(line);
  output.say(GUEST[after].line);
  const { guest } = GUEST[after];
  output.event("completed", { ...completedFields(statistics, proved), migration: session?.migration, guest });
}

const GUEST = {
  hold: {
    guest: "stopped",
    line: "the guest stays stopped here, and each disk is marked as moved: end its QEMU when the copy runs",
  },
  cont: { guest: "running", line: "the guest goes on here, and each disk stays one of its own" },
} as const satisfies Readonly<Record<AfterMove, unknown>>;
