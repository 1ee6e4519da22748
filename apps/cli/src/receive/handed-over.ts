import { readRecord } from "@blkmig/journal";
import type { SessionTargets } from "@blkmig/sink";

import { CommandError } from "../command-error.ts";
import type { OpenTarget } from "./open-targets.ts";

type Decide = SessionTargets["journal"]["decide"];

/** Targets that are let go of before it is decided what becomes of them. */
export interface HandedOver {
  /** They are nobody's from now on: without our locks another receiver, or a person, may decide too. */
  letGo(): void;
  /** Records a decision. Throws `CommandError` `refused` if another one was recorded since they were let go of. */
  readonly decide: Decide;
}

export function createHandedOver(targets: readonly OpenTarget[], migration: string, decide: Decide): HandedOver {
  let isLetGo = false;

  /** Overwritten, a verdict that a person gave would leave the disks with two owners. */
  const assertStillSealed = async ({ place: { path } }: OpenTarget, attempt: number): Promise<void> => {
    const record = await readRecord(path);
    const isOurs = record?.role === "target" && record.migration === migration && record.attempt === attempt;
    if (isOurs && record.state === "sealed") return;
    const now = record ? `says ${record.state}, of migration ${record.migration}` : "is gone";
    throw new CommandError(
      "refused",
      `somebody else has decided meanwhile: ${path} ${now}; blkmig status --target says what the disk is`,
    );
  };

  return {
    letGo() {
      isLetGo = true;
    },
    async decide(state, attempt) {
      if (isLetGo) for (const target of targets) await assertStillSealed(target, attempt);
      await decide(state, attempt);
    },
  };
}
