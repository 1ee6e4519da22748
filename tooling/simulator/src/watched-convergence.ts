import type { Guest } from "@blkmig/device";
import { type ConvergenceRule, convergesByPending } from "@blkmig/source";
import type { SeededRandom } from "@blkmig/testkit";

/** A rule of convergence, and a guest whose pause it asks for, which see law 3 broken. */
export interface WatchedConvergence {
  readonly rule: ConvergenceRule;
  readonly guest: Guest;
  /** Whether the guest was last held before every disk had been swept once. */
  readonly heldEarly: boolean;
}

/** With `hasty` the rule wants to switch over at any time, in the bulk phase too: then the migration has to refuse. */
export function watchConvergence(
  guest: Guest,
  {
    random,
    hasty,
    rule = convergesByPending,
    onViolation,
  }: {
    readonly random: SeededRandom;
    readonly hasty: boolean;
    readonly rule?: ConvergenceRule;
    readonly onViolation: (what: string) => void;
  },
): WatchedConvergence {
  let bulkDone: boolean | undefined; // nobody asked yet: a source in doubt holds its guest from the beginning
  let heldEarly = false;
  return {
    rule(view) {
      ({ bulkDone } = view);
      if (view.pending < view.dirty)
        onViolation(`law 3: ${view.pending} bytes are pending, and ${view.dirty} were not sent yet`);
      return hasty ? random.int(4) === 0 : rule(view);
    },
    guest: {
      ...guest,
      async pause() {
        const said = await guest.pause();
        heldEarly = said !== "not-yet" && bulkDone === false;
        return said;
      },
    },
    get heldEarly() {
      return heldEarly;
    },
  };
}
