import { type Clock, systemClock } from "@blkmig/device";

import { attemptAll } from "./live-attempts.ts";
import { type OurName, parseName } from "./names.ts";
import { askExports } from "./qemu-answers.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

/** How long QEMU may take to end an export, once it has said that it will. */
const ENDING_MS = 30_000;

export interface RemovalOptions {
  readonly qmp: Qmp;
  readonly migration: string;
  readonly clock?: Clock | undefined;
}

/**
 * Removes those exports of a migration for which `which` says so, and settles when QEMU has let go of them: only then can their bitmaps
 * be removed. Says how many there were. As many as possible, then throws the first failure.
 */
export async function removeExports(options: RemovalOptions, which: (name: OurName) => boolean): Promise<number> {
  const { qmp, migration } = options;
  const deletions = watchDeletions(options);
  try {
    const found = (await askExports(qmp)).filter(({ id }) => {
      const parsed = parseName(id);
      return parsed?.migration === migration && which(parsed.name);
    });
    await attemptAll(
      found.map((each) => async () => {
        // Hard: right after a client's goodbye QEMU still counts it, and would refuse a safe deletion.
        if (!each["shutting-down"]) await qmp.execute("block-export-del", { id: each.id, mode: "hard" });
        await deletions.of(each.id);
      }),
    );
    return found.length;
  } finally {
    deletions.end();
  }
}

/** From the call on, so that none is missed. */
function watchDeletions({ qmp, clock = systemClock }: RemovalOptions) {
  const deleted = new Set<unknown>();
  let wake: (() => void) | undefined;
  const unwatch = qmp.watch(({ event, data }) => {
    if (event !== "BLOCK_EXPORT_DELETED") return;
    deleted.add(data["id"]);
    wake?.();
  });
  const onEnd = (): void => wake?.();
  qmp.ended.addEventListener("abort", onEnd);

  async function of(id: string): Promise<void> {
    const over = new AbortController();
    let isLate = false;
    void clock.sleep(ENDING_MS, over.signal).then(() => {
      isLate = true;
      wake?.();
    });
    try {
      while (!deleted.has(id)) {
        qmp.ended.throwIfAborted();
        if (isLate)
          throw new QemuError("timeout", qmp.url, `export '${id}' has not ended within ${ENDING_MS / 1000} s`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      over.abort();
    }
  }

  return {
    of,
    end() {
      unwatch();
      qmp.ended.removeEventListener("abort", onEnd);
    },
  };
}
