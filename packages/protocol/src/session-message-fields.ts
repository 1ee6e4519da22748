import {
  diskName,
  type Field,
  flag,
  id,
  list,
  milliseconds,
  object,
  oneOf,
  optional,
  pair,
  text,
  TEXT_CHARACTERS,
  whole,
} from "./session-field.ts";
import { MOST_FRAME_BYTES, SESSION_VERSION } from "./session-frame.ts";
import type { CommitState, SessionDisk, SessionMessage } from "./session-message.ts";

const MOST_DISKS = 256;
const MOST_FEATURES = 64;
const MOST_RUNS = 2048;
const SECTOR = 512;

/** A hello that says nothing but its versions has no fields of its own: see `readMessage()`. */
type Said = Exclude<SessionMessage, { readonly say: "hello-other" }>;
type MessageOf<Say, Message = Said> = Message extends { readonly say: infer One }
  ? Say extends One
    ? Message
    : never
  : never;
/** Every key of a message but `say`, and how it is checked. */
type FieldsOf<Message> = { readonly [Key in Exclude<keyof Message, "say">]-?: Field<Message[Key]> };

const anyAttempt = whole(0);
const attempt = whole(1);
const features = list(text(1, 64), 0, MOST_FEATURES);
const frameBytes = whole(SECTOR, MOST_FRAME_BYTES);
const sentence = text(0, TEXT_CHARACTERS);
const serve = optional(text(1, TEXT_CHARACTERS));
const state = oneOf<CommitState>(["open", "sealed", "committed", "aborted", "unknown"]);

/** The versions of a HELLO, which every version says alike. */
export const versions: Field<readonly [lowest: number, highest: number]> = (value, what, refuse) => {
  const [lowest, highest] = pair(whole(1), whole(1))(value, what, refuse);
  if (lowest <= highest) return [lowest, highest];
  throw refuse(`${what} must be the lowest and the highest, in this order`);
};

const size: Field<number> = (value, what, refuse) => {
  const bytes = whole(SECTOR)(value, what, refuse);
  if (bytes % SECTOR === 0) return bytes;
  throw refuse(`${what} must be a multiple of ${SECTOR}`);
};

const powerOfTwo = (lowest: number, highest: number): Field<number> => {
  const inRange = whole(lowest, highest);
  return (value, what, refuse) => {
    const bytes = inRange(value, what, refuse);
    if (Number.isInteger(Math.log2(bytes))) return bytes;
    throw refuse(`${what} must be a power of two`);
  };
};

const granularity = powerOfTwo(4096, 1024 * 1024);
const sectorSize = optional(powerOfTwo(SECTOR, 1024 * 1024));

const disk: Field<SessionDisk> = (value, what, refuse) => {
  const said = object(value, what, refuse);
  const sector = sectorSize(said.get("sectorSize"), `${what}.sectorSize`, refuse);
  return {
    name: diskName(said.get("name"), `${what}.name`, refuse),
    size: size(said.get("size"), `${what}.size`, refuse),
    granularity: granularity(said.get("granularity"), `${what}.granularity`, refuse),
    ...(sector === undefined ? {} : { sectorSize: sector }),
  };
};

const disks: Field<readonly SessionDisk[]> = (value, what, refuse) => {
  const table = list(disk, 1, MOST_DISKS)(value, what, refuse);
  if (new Set(table.map(({ name }) => name)).size === table.length) return table;
  throw refuse(`${what} has two disks of one name`, "bad-name");
};

const run: Field<readonly [offset: number, length: number]> = (value, what, refuse) => {
  const [offset, length] = pair(whole(0), whole(1))(value, what, refuse);
  if (Number.isSafeInteger(offset + length)) return [offset, length];
  throw refuse(`${what} must end within 2^53 - 1 bytes`);
};

const held: Field<readonly (readonly (readonly [offset: number, length: number])[])[]> = (value, what, refuse) => {
  const runs = list(list(run, 0, MOST_RUNS), 0, MOST_DISKS)(value, what, refuse);
  if (runs.reduce((sum, ofDisk) => sum + ofDisk.length, 0) <= MOST_RUNS) return runs;
  throw refuse(`${what} must be ${MOST_RUNS} runs or fewer in all`);
};

/** Every message with its fields, in the order in which they are written. */
export const MESSAGES: { readonly [Say in Said["say"]]: FieldsOf<MessageOf<Say>> } = {
  hello: {
    versions,
    features,
    migration: id,
    source: id,
    disks,
    frameBytes,
    resume: flag,
    incremental: flag,
    clone: flag,
  },
  flush: { serial: whole(0) },
  prepare: { attempt },
  seal: { attempt, frames: whole(0), verified: flag },
  commit: { attempt },
  abort: { attempt: anyAttempt },
  outcome: { attempt: anyAttempt },
  done: { attempt },
  cancel: { message: sentence },
  welcome: {
    version: whole(SESSION_VERSION, SESSION_VERSION),
    features,
    sink: id,
    epoch: whole(0),
    frameBytes,
    window: whole(SECTOR),
    state,
    attempt: anyAttempt,
    held,
  },
  refused: { code: id, message: sentence },
  flushed: { serial: whole(0), ms: milliseconds },
  ready: { attempt, serve },
  sealed: { attempt },
  aborted: { attempt: anyAttempt },
  committed: { attempt, serve },
  state: { attempt: anyAttempt, state },
  failed: { code: id, message: sentence },
};
