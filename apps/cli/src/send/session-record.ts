import { randomUUID } from "node:crypto";

import { openSourceJournal, type SourceRecord } from "@blkmig/journal";
import { MigrationError, type SessionOptions, type SourceJournal } from "@blkmig/source";

import { CommandError, messageOf } from "../command-error.ts";
import { InDoubt } from "../exit-code-in-doubt.ts";
import { brokenOff, resumed } from "./broken-off.ts";
import { type RecordedSource, resolveLinesOf, verdictPlaceOf } from "./recorded-sources.ts";

/** One migration's record at its sources, whether it was begun by this run of the program or by an earlier one. */
export interface SessionRecord {
  readonly migration: string;
  /** What an earlier run left of it. */
  readonly resume: SessionOptions["resume"];
  /** Where that run would have passed the clients on to, if it asked for the commit. */
  readonly serve: string | undefined;
  readonly journal: SourceJournal;
  /** After a failure: what ended it, `InDoubt`, or what ended it and how it is gone on with. */
  judge(error: unknown): unknown;
}

export interface SessionRecordOptions {
  /** Go on with the migration that the disks are in, if they are in one. */
  readonly resume: boolean;
  readonly stateDir: string | undefined;
  /** Where to, for people. */
  readonly to: string;
  /** The receiver may be a page of a browser, which keeps no record. */
  readonly isToPage?: boolean;
  /** Where the clients of the disks are passed on to, if they are: asked whenever it is recorded. */
  readonly serve?: () => string | undefined;
  readonly warn: (message: string) => void;
}

export async function openSessionRecord(
  disks: readonly RecordedSource[],
  { resume: mayResume, stateDir, to, isToPage = false, serve, warn }: SessionRecordOptions,
): Promise<SessionRecord> {
  const { journal } = await openSourceJournal(
    disks.map(({ name, device, place }) => ({ name, size: device.size, record: place })),
  );
  const earlier = mayResume ? resumable(disks) : undefined;
  if (mayResume && !earlier) assertNoOtherDoubt(disks);
  if (mayResume && !earlier) warn("--resume: no migration of these disks is recorded here, so a new one begins");
  const migration = earlier?.migration ?? randomUUID();
  /** An earlier run of the program asked for the commit, and its outcome is not learnt yet. */
  let isAsked = earlier?.state === "asked";
  /** The receiver has heard of it. */
  let isBegun = false;

  const passedOn = () => {
    const there = serve?.();
    return there === undefined ? {} : { serve: there };
  };

  const inDoubt = (why: string): InDoubt => {
    const commands = new Set(
      disks.flatMap(({ device: { path }, monitor }) =>
        resolveLinesOf(verdictPlaceOf({ path, monitor }), migration, stateDir),
      ),
    );
    return new InDoubt(migration, [...commands], `${why}; to find out, ${resumed(to)}`);
  };

  return {
    migration,
    resume: earlier && {
      attempt: earlier.attempt,
      ...(isAsked ? { asked: earlier.attempt } : {}),
    },
    serve: isAsked ? earlier?.serve : undefined,
    journal: {
      async begin(id) {
        await journal.begin(id, { to });
        isBegun = true;
      },
      asked: async (attempt) => journal.asked(attempt, passedOn()),
      async forget() {
        isBegun = false;
        await journal.forget();
      },
      async kept() {
        await journal.kept();
        isAsked = false;
      },
      moved: async (attempt, how) => journal.moved(attempt, how, passedOn()),
    },
    judge(error) {
      if (error instanceof MigrationError && error.code === "in-doubt") return inDoubt(error.message);
      if (isAsked) return inDoubt(`it is still not known whether it was committed: ${messageOf(error)}`);
      return brokenOff(error, { to, isBegun, isToPage });
    },
  };
}

/** The outcome of a migration is asked for by all its disks: begun anew with others, it would never be learnt. */
function assertNoOtherDoubt(disks: readonly RecordedSource[]): void {
  const doubt = disks.find(({ record }) => record?.role === "source" && record.state === "asked");
  if (!doubt) return;
  const { migration } = doubt.record!;
  const why = `it is not known whether migration ${migration} was committed, which has other disks than these`;
  throw new CommandError("refused", `disk '${doubt.name}': ${why}: say --resume with the disks of that one`);
}

/** The one migration that all the disks are in, if it can go on. */
function resumable(disks: readonly RecordedSource[]): SourceRecord | undefined {
  const records = disks.map(({ record }) => record);
  const [first] = records;
  if (first?.role !== "source" || first.state === "moved" || first.state === "cloned") return undefined;
  const isSame = records.every((record) => record?.role === "source" && record.migration === first.migration);
  return isSame ? first : undefined;
}
