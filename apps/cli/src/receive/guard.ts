import { CommandError } from "../command-error.ts";
import { judgeTarget } from "./judge-target.ts";
import type { OpenTarget } from "./open-targets.ts";
import type { ReceiveOptions } from "./receive-options.ts";
import { viewTarget } from "./target-view.ts";

/** Stands before the targets of one receiver, and remembers which migrations it left unfinished. */
export interface Guard {
  /** Throws `CommandError` `refused` for a target that nobody may write, whoever comes. */
  inspect(target: OpenTarget): Promise<void>;
  /** Throws `CommandError` `refused` for a target that this migration may not write; gives warnings. */
  admit(target: OpenTarget, migration: string): Promise<readonly string[]>;
  /** It is about to write. */
  begun(migration: string): void;
  finished(migration: string): void;
}

export function createGuard({ dangers, resume, stateDir }: ReceiveOptions): Guard {
  const unfinished = new Set<string>();

  const judge = async (
    { name, disk, place }: OpenTarget,
    migration: string | undefined,
  ): Promise<readonly string[]> => {
    const view = await viewTarget(name, disk, place);
    const judgement = judgeTarget(view, { migration, resume, dangers, unfinished, stateDir: stateDir.stateDir });
    if (!judgement.may) throw new CommandError("refused", `disk '${name}': ${judgement.why}`);
    return judgement.warning === undefined ? [] : [`disk '${name}': ${judgement.warning}`];
  };

  return {
    async inspect(target) {
      await judge(target, undefined);
    },
    admit: judge,
    begun: (migration) => void unfinished.add(migration),
    finished: (migration) => void unfinished.delete(migration),
  };
}
