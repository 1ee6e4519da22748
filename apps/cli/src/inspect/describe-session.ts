import type { Fields } from "../output/json-lines.ts";
import { printable } from "../output/printable.ts";
import type { Ending } from "./report.ts";
import type { SessionDiskSummary } from "./session-disks.ts";
import type { SessionSummary } from "./session-summary.ts";

const ENDINGS: Readonly<Record<Ending, string>> = {
  clean: "it ends between two frames",
  cut: "it ends inside a frame",
  damaged: "it is damaged: what comes next is no frame",
  unread: "it could not be read to its end",
};

/** Lines for people, but for the one on how it ended. */
export function describeSession(summary: SessionSummary, bytes: number): readonly string[] {
  const { speaker, migration, disks, frames, acks, commit, commitLeftOut } = summary;
  return [
    `${bytes} bytes of a session of blkmig's, ${describeSpeaker(speaker)}, ${describeVersion(summary)}`,
    migration === undefined ? "migration: not said in this direction" : `migration ${migration}`,
    ...disks.map(describeDisk),
    ...frames.map(({ type, count, bytes: own }) => `${type}: ${count} frame(s), ${own} bytes`),
    acks.count === 0
      ? "acknowledgements: none"
      : `acknowledgements: ${acks.count}, the last of ${acks.written} written and ${acks.durable} durable`,
    ...(commitLeftOut > 0 ? [`switchover: ${commitLeftOut} earlier message(s) left out`] : []),
    ...commit.map(({ position, message }) => `switchover: ${printable(JSON.stringify(message))} at byte ${position}`),
  ];
}

export function describeSessionEnding({ commit }: SessionSummary, ending: Ending): string {
  const last = commit.at(-1)?.message;
  if (!last) return `${ENDINGS[ending]}; nothing was said on a switchover`;
  const attempt = "attempt" in last ? ` of attempt ${last.attempt}` : "";
  return `${ENDINGS[ending]}; the last word on the switchover is '${last.say}'${attempt}`;
}

/** For scripts. */
export function sessionFields(summary: SessionSummary, bytes: number, ending: Ending): Fields {
  const { speaker, version, versions, migration, disks, frames, acks, commit, commitLeftOut } = summary;
  return {
    transferred: bytes,
    ended: ending === "clean",
    disks: disks.map(diskFields),
    session: {
      speaker,
      version,
      versions,
      migration,
      frames: Object.fromEntries(frames.map(({ type, count, bytes: own }) => [type, { count, bytes: own }])),
      acks,
      commit,
      "commit-left-out": commitLeftOut,
      ending,
    },
  };
}

function describeSpeaker(speaker: SessionSummary["speaker"]): string {
  if (speaker === undefined) return "nothing tells who speaks";
  return speaker === "both" ? "both ends speak, which is no one direction" : `the ${speaker} speaks`;
}

function describeVersion({ version, versions }: SessionSummary): string {
  if (version !== undefined) return `version ${version}`;
  return versions ? `versions ${versions[0]} to ${versions[1]}` : "version not said";
}

function describeDisk({
  disk,
  name,
  size,
  granularity,
  data,
  hole,
  hash,
  equal,
  notEqual,
}: SessionDiskSummary): string {
  const declared = name === undefined ? "" : ` '${printable(name)}', ${size} bytes, granularity ${granularity}`;
  return `disk ${disk}${declared}: ${data} bytes of data, ${hole} of holes, ${hash} hashed, ${equal} found equal, ${notEqual} not`;
}

function diskFields({ disk, name, size, granularity, data, hole, hash, equal, notEqual }: SessionDiskSummary): Fields {
  return {
    disk,
    name,
    size,
    granularity,
    "data-bytes": data,
    "hole-bytes": hole,
    "hash-bytes": hash,
    "equal-bytes": equal,
    "not-equal-bytes": notEqual,
  };
}
