import type { TargetRecord } from "./record.ts";

/** A decision, and the attempt at the switchover that it is of. */
export interface Decision {
  readonly state: "sealed" | "committed" | "aborted";
  readonly attempt: number;
}

/** Whether the record says so already. Throws `TypeError` where the laws of the commit forbid the decision. */
export function isDecided(record: TargetRecord, decision: Decision): boolean {
  const { state, attempt } = decision;
  if (record.state === state && record.attempt === attempt) return true;
  if (mayDecide(record, decision)) return false;
  throw new TypeError(
    `migration '${record.migration}' is ${record.state} ${record.attempt}, so it cannot be ${state} ${attempt}`,
  );
}

function mayDecide(record: TargetRecord, { state, attempt }: Decision): boolean {
  if (record.state === "committed") return false;
  switch (state) {
    case "sealed": // an attempt that was aborted is over: an answer to it must never be taken for one to the next
      return record.state !== "sealed" && attempt > record.attempt;
    case "committed": // nobody commits but in SEALED k
      return record.state === "sealed" && attempt === record.attempt;
    case "aborted":
      return attempt >= record.attempt;
  }
}
