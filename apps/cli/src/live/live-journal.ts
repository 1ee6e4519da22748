import { setTimeout as wait } from "node:timers/promises";

import { MigrationError, type SourceJournal } from "@blkmig/source";

import { messageOf } from "../command-error.ts";
import type { SessionRecord } from "../send/session-record.ts";
import type { Handover } from "./handover.ts";
import type { LiveDisk } from "./live-disk.ts";

const FIRST_WAIT_MS = 500;
const MOST_WAIT_MS = 30_000;

/** A migration's record, which moves its disks from owner to owner as soon as it is durable who that is. */
export interface LiveJournal {
  readonly journal: SourceJournal;
  /**
   * Once it is committed: settles when that is on record here, and the clients are let go. However long that takes they wait:
   * released before, they would be answered here again after a restart. Throws `InDoubt` if the server ends first.
   */
  settled(): Promise<void>;
}

export interface LiveJournalParts {
  readonly disks: readonly LiveDisk[];
  readonly record: SessionRecord;
  readonly handover: Handover;
  /** It was not committed: who wanted it cancelled may have it so, once the migration has heard of that, too. */
  readonly onKept: () => void;
  /** Aborts when the server ends. */
  readonly ending: AbortSignal;
  readonly warn: (message: string) => void;
}

export function createLiveJournal({ disks, record, handover, onKept, ending, warn }: LiveJournalParts): LiveJournal {
  const { journal } = record;
  /** What is left to be recorded. */
  let unrecorded: (() => Promise<void>) | undefined;
  let passingOn: Promise<void> | undefined;

  const all = (act: "ask" | "keep" | "commit"): void => {
    for (const disk of disks) disk.become({ do: act });
  };

  return {
    journal: {
      ...journal,
      async asked(attempt) {
        await journal.asked(attempt);
        all("ask");
      },
      async kept() {
        await journal.kept();
        all("keep");
        setImmediate(onKept);
      },
      async moved(attempt, how) {
        all("commit");
        unrecorded = async () => {
          await journal.moved(attempt, how);
          unrecorded = undefined;
          // Not waited for: the receiver need not wait for clients of ours before it hears DONE.
          passingOn = handover.recorded(how);
        };
        await unrecorded();
      },
    },
    async settled() {
      for (let ms = FIRST_WAIT_MS; unrecorded; ms = Math.min(ms * 2, MOST_WAIT_MS)) {
        await wait(ms, undefined, { signal: ending }).catch(() => {}); // the next line says so
        if (ending.aborted) throw record.judge(new MigrationError("in-doubt", NOT_RECORDED, PAUSED));
        await unrecorded().catch((error: unknown) => warn(`it could not be recorded again: ${messageOf(error)}`));
      }
      await passingOn;
    },
  };
}

const NOT_RECORDED = "it is committed, and that could not be recorded here";
const PAUSED = { phase: "switchover", pending: 0, guest: "paused" } as const;
