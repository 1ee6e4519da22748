import * as v from "valibot";

import type { OnControlEvent } from "../control/control-client.ts";
import type { Output } from "../output/output.ts";
import type { Progress } from "../output/progress.ts";
import { createRate } from "../output/rate.ts";

const amount = v.number();

const STATUS = v.looseObject({
  phase: v.string(),
  total: amount,
  remaining: amount,
  "to-verify": amount,
  "dirty-sync-count": amount,
  "dirty-rate": amount,
  "expected-downtime": v.optional(amount),
  mirroring: v.optional(v.boolean()),
  disks: v.array(
    v.looseObject({
      name: v.string(),
      size: amount,
      remaining: amount,
      "data-bytes": amount,
      "zero-bytes": amount,
      "skipped-bytes": amount,
      "equal-bytes": amount,
    }),
  ),
});

type Status = v.InferOutput<typeof STATUS>;

/** Tells what a server tells, as if the migration were this process's own. */
export function remoteTeller(output: Output): OnControlEvent {
  const rate = createRate(() => performance.now());
  return (event, fields) => {
    const message = typeof fields["message"] === "string" ? fields["message"] : "";
    if (event === "say") return output.say(message);
    if (event === "warning") return output.warn(message);
    const status = event === "status" ? v.safeParse(STATUS, fields) : undefined;
    if (!status?.success) return output.event(event, fields);
    output.progress(progressIn(status.output, rate(settledIn(status.output))), fields);
  };
}

function progressIn(status: Status, rate: number): Progress {
  const { phase, total, remaining } = status;
  return {
    phase,
    done: total - remaining,
    total,
    rate,
    pass: status["dirty-sync-count"],
    dirtyRate: status["dirty-rate"],
    mirroring: status.mirroring ?? false,
    expectedDowntime: status["expected-downtime"],
    toVerify: status["to-verify"],
    disks: status.disks.map((disk) => ({ name: disk.name, done: disk.size - disk.remaining, total: disk.size })),
  };
}

function settledIn({ disks }: Status): number {
  const kinds = ["data-bytes", "zero-bytes", "skipped-bytes", "equal-bytes"] as const;
  return disks.reduce((sum, disk) => sum + kinds.reduce((all, kind) => all + disk[kind], 0), 0);
}
