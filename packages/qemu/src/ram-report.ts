import * as v from "valibot";

import { ask } from "./live-ask.ts";
import type { RamFigures } from "./machine-contract.ts";
import type { Qmp } from "./qmp-contract.ts";

/** What QEMU says of its own migration. */
export interface RamReport {
  /** `none` where there was none. */
  readonly status: string;
  /** QEMU's words for what went wrong. */
  readonly why: string | undefined;
  /** How often it has looked for what was written: one more with each pass that begins. */
  readonly passes: number;
  readonly figures: RamFigures | undefined;
}

const amount = v.pipe(v.number(), v.minValue(0));

const QUERY_MIGRATE = v.looseObject({
  status: v.optional(v.string(), "none"),
  "error-desc": v.optional(v.string()),
  "expected-downtime": v.optional(amount),
  ram: v.optional(
    v.looseObject({
      transferred: amount,
      remaining: amount,
      total: amount,
      mbps: v.optional(amount, 0),
      "dirty-sync-count": v.optional(amount, 0),
    }),
  ),
});

const ENDED = new Set(["none", "completed", "failed", "cancelled"]);

/** Nothing is sent, and nothing can stop the guest. */
export function hasEnded(status: string): boolean {
  return ENDED.has(status);
}

/** Until QEMU knows, it says the limit that it had at the begin, with tens of megabytes remaining. Where 0 or 1 is true, little remains. */
function predicted(ms: number | undefined, unknown: number | undefined): number | undefined {
  return ms !== undefined && ms > 1 && ms !== unknown ? ms : undefined;
}

/** `limitAtBegin`: QEMU's own, in milliseconds, where it is known. Throws `QemuError`. */
export async function askForRam(qmp: Qmp, limitAtBegin?: number): Promise<RamReport> {
  const { status, ram, ...more } = await ask(qmp, "query-migrate", QUERY_MIGRATE);
  return {
    status,
    why: more["error-desc"],
    passes: ram?.["dirty-sync-count"] ?? 0,
    figures: ram && {
      transferred: ram.transferred,
      remaining: ram.remaining,
      total: ram.total,
      bandwidth: ram.mbps > 0 ? (ram.mbps * 1_000_000) / 8 : undefined,
      expectedDowntime: predicted(more["expected-downtime"], limitAtBegin),
    },
  };
}
