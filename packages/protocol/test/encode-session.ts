import {
  encodeAck,
  encodeAnswer,
  encodeData,
  encodeHash,
  encodeHole,
  encodeMessage,
  encodeSessionPing,
  encodeSessionPong,
  type Segments,
  type SessionMessage,
} from "@blkmig/protocol";

import type { NaiveChecksums, NaiveSessionFrame } from "./naive-session.ts";

/** Encodes with ours what the naive codec would encode too. */
export function encodeSession(frame: NaiveSessionFrame, dataChecksums: NaiveChecksums = "present"): Segments {
  if (frame.type === "data" && dataChecksums === "absent") return encodeData(frame, frame.data, "unchecked");
  if (frame.type === "data") return encodeData(frame, frame.data);
  if (frame.type === "hole") return encodeHole(frame);
  if (frame.type === "hash") return encodeHash(frame, frame.digest);
  if (frame.type === "answer") return encodeAnswer(frame, frame.equal);
  if (frame.type === "ack") return encodeAck(frame.written, frame.durable);
  if (frame.type === "ping") return encodeSessionPing(frame.value);
  if (frame.type === "pong") return encodeSessionPong(frame.value);
  return encodeMessage(frame.message as SessionMessage);
}
