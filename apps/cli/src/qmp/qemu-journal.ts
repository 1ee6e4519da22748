import type { Mark, QemuLiveDisks } from "@blkmig/qemu";
import type { SourceJournal } from "@blkmig/source";

import { messageOf } from "../command-error.ts";

/**
 * A migration's record, and beside it the marks in QEMU itself: whoever finds the guest stopped must see there that it may not run,
 * even where the record is not looked for.
 */
export function withMarks(journal: SourceJournal, live: QemuLiveDisks, warn: (message: string) => void): SourceJournal {
  /** What is durable is so whether QEMU notes it or not: by the record whoever comes next knows. */
  const tryTo = async (act: () => Promise<void>): Promise<void> => {
    await act().catch((error: unknown) => warn(messageOf(error)));
  };
  return {
    ...journal,
    async asked(attempt) {
      await live.mark("asked" satisfies Mark); // first: from the record on the guest must not be resumed by anybody
      await journal.asked(attempt);
    },
    async kept() {
      await journal.kept();
      await tryTo(() => live.unmark("asked"));
    },
    async moved(attempt, how) {
      await journal.moved(attempt, how);
      if (how === "moved") await tryTo(() => live.mark("moved"));
    },
  };
}
