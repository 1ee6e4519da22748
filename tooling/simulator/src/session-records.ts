import type { SinkJournal } from "@blkmig/sink";
import type { SourceJournal } from "@blkmig/source";

import type { Life } from "./life.ts";

/** What is on stable storage beside the disks: it outlives every program. */
export interface SessionRecords {
  readonly source: { state: "none" | "sending" | "asked" | "kept" | "moved" | "cloned"; attempt: number };
  readonly sink: {
    migration: string | undefined;
    state: "incomplete" | "sealed" | "committed" | "aborted";
    attempt: number;
    held: readonly (readonly Run[])[];
    known: boolean;
  };
}

type Run = { readonly offset: number; readonly length: number };

export function createSessionRecords(): SessionRecords {
  return {
    source: { state: "none", attempt: 0 },
    sink: { migration: undefined, state: "incomplete", attempt: 0, held: [], known: false },
  };
}

/** How a program writes its records: each change takes turns before and after it is durable. */
export interface RecordWriting {
  readonly life: Life;
  readonly turn: () => Promise<void>;
  /** Asked twice for each change: before it is durable, and after; whoever is told yes has failed to write it, or to know that it has. */
  readonly fault?: () => boolean;
  /** Told at the same two instants. */
  readonly onTurn?: () => void;
  /** Settles when a disk that is slow has it; what strikes meanwhile strikes before it is durable. Nothing: it is not slow. */
  readonly slow?: () => Promise<void> | undefined;
}

async function record(writing: RecordWriting, change: () => void): Promise<void> {
  const { life, turn, fault = () => false, onTurn, slow } = writing;
  await life.guard(turn(), "a record");
  onTurn?.();
  const late = slow?.();
  if (late) await life.guard(late, "a record");
  if (fault()) throw new Error("the record could not be written, as planned");
  change();
  await life.guard(turn(), "a record");
  onTurn?.();
  if (fault()) throw new Error("the record could not be synced, as planned");
}

/** `onBegin` is told whether this run of the source has heard that an attempt was given up. */
export function sourceJournalOf(
  records: SessionRecords,
  writing: RecordWriting,
  onBegin: (isAgain: boolean) => void = () => {},
): SourceJournal {
  let isAgain = false;
  const set = (state: SessionRecords["source"]["state"], attempt = records.source.attempt): Promise<void> =>
    record(writing, () => Object.assign(records.source, { state, attempt }));
  return {
    begin() {
      onBegin(isAgain);
      return set("sending");
    },
    asked: (attempt) => set("asked", attempt),
    kept() {
      isAgain = true;
      return set("kept");
    },
    moved: (attempt, how) => set(how, attempt),
  };
}

/** `onCommitted` is called at the instant of the decision, `onTakenBack` where a later record denies it. */
export function sinkJournalOf(
  records: SessionRecords,
  writing: RecordWriting,
  { onCommitted, onTakenBack }: { readonly onCommitted: () => Promise<void>; readonly onTakenBack: () => void },
): SinkJournal {
  const { sink } = records;
  return {
    begin: (migration) => record(writing, () => Object.assign(sink, { migration, known: true })),
    held: (disks) => {
      const held = disks.map((runs) => [...runs]);
      return record(writing, () => Object.assign(sink, { held }));
    },
    async decide(state, attempt) {
      await record(writing, () => {
        if (sink.state === "committed" && state !== "committed") onTakenBack();
        Object.assign(sink, { state, attempt });
      });
      if (state === "committed") await onCommitted();
    },
    done: () => record(writing, () => {}),
  };
}
