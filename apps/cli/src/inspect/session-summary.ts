import type { SessionMessage } from "@blkmig/protocol";

import { createSessionDisks, type SessionDiskSummary } from "./session-disks.ts";
import type { SessionItem } from "./session-item.ts";
import { type Speaker, speakerOf } from "./session-speaker.ts";

/** More than the switchovers of any migration need. Of a stream that says more of it the last are kept: they decide. */
const MOST_COMMIT_MESSAGES = 256;
const NOT_ON_THE_COMMIT: ReadonlySet<SessionMessage["say"]> = new Set([
  "hello",
  "hello-other",
  "welcome",
  "flush",
  "flushed",
]);

/** What one direction of a session holds, counted. */
export interface SessionSummary {
  /** Undefined where nothing told it; "both" where it cannot be one direction. */
  readonly speaker: Speaker | "both" | undefined;
  /** What HELLO has said, if it came; of one without our version only the versions. */
  readonly versions: readonly [lowest: number, highest: number] | undefined;
  readonly migration: string | undefined;
  /** What WELCOME has said, if it came. */
  readonly version: number | undefined;
  readonly disks: readonly SessionDiskSummary[];
  /** In the order in which the types came first. */
  readonly frames: readonly FrameCount[];
  /** How many, and what the last one said. */
  readonly acks: { readonly count: number; readonly written: number; readonly durable: number };
  /** What was said on the switchover and the end, in order: the last of it, and how much was said before. */
  readonly commit: readonly CommitWord[];
  readonly commitLeftOut: number;
}

interface FrameCount {
  readonly type: SessionItem["type"];
  readonly count: number;
  /** On the wire, headers included. */
  readonly bytes: number;
}

interface CommitWord {
  readonly position: number;
  readonly message: SessionMessage;
}

type AckItem = Extract<SessionItem, { readonly type: "ack" }>;
type Said = Pick<SessionSummary, "speaker" | "versions" | "migration" | "version" | "acks" | "commitLeftOut">;

const NOTHING: Said = {
  speaker: undefined,
  versions: undefined,
  migration: undefined,
  version: undefined,
  acks: { count: 0, written: 0, durable: 0 },
  commitLeftOut: 0,
};

/** Counts items; `result()` at any time. */
export function createSessionSummary(): { add(item: SessionItem): void; result(): SessionSummary } {
  const disks = createSessionDisks();
  const frames = new Map<string, FrameCount>();
  const commit: CommitWord[] = [];
  let said = NOTHING;

  const addMessage = (message: SessionMessage, position: number): void => {
    if (message.say === "hello" || message.say === "hello-other") said = { ...said, versions: message.versions };
    if (message.say === "welcome") said = { ...said, version: message.version };
    if (message.say === "hello") {
      said = { ...said, migration: message.migration };
      disks.declare(message.disks);
    }
    if (NOT_ON_THE_COMMIT.has(message.say)) return;
    commit.push({ position, message });
    if (commit.length <= MOST_COMMIT_MESSAGES) return;
    commit.shift();
    said = { ...said, commitLeftOut: said.commitLeftOut + 1 };
  };

  return {
    add(item) {
      const { type, bytes } = item;
      const before = frames.get(type);
      frames.set(type, { type, count: (before?.count ?? 0) + 1, bytes: (before?.bytes ?? 0) + bytes });
      said = { ...said, speaker: withSpeaker(said.speaker, speakerOf(item)) };
      if ("disk" in item) disks.add(item);
      else if (type === "message") addMessage(item.message, item.position);
      else if (type === "ack") said = { ...said, acks: withAck(said.acks, item) };
    },
    result: () => ({ ...said, disks: disks.result(), frames: [...frames.values()], commit: [...commit] }),
  };
}

function withSpeaker(before: SessionSummary["speaker"], now: Speaker | undefined): SessionSummary["speaker"] {
  if (now === undefined || before === undefined || before === now) return now ?? before;
  return "both";
}

function withAck(before: SessionSummary["acks"], { written, durable }: AckItem): SessionSummary["acks"] {
  return { count: before.count + 1, written, durable };
}
