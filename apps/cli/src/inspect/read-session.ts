import { crc32 } from "node:zlib";

import {
  createSessionDecoder,
  FRAME_BYTES,
  MOST_FRAME_BYTES,
  ProtocolError,
  SESSION_MAGIC,
  type SessionFrame,
  UNCHECKED_DATA,
} from "@blkmig/protocol";

import { driveDecoder } from "./drive-decoder.ts";
import { FrameRuler, type MeasuredFrame } from "./frame-ruler.ts";
import type { SessionItem } from "./session-item.ts";

type WholeFrame = Exclude<SessionFrame, { readonly type: "payload" }>;

/**
 * One direction of a session, in the memory of its longest data frame, at most 16 MiB: which limit was agreed on, the other
 * direction says. Throws `ProtocolError` where it is no session or stops inside a frame, after what came before.
 */
export async function* readSession(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SessionItem> {
  const ruler = new FrameRuler();
  const decoder = createSessionDecoder({ frameBytes: MOST_FRAME_BYTES, crc32 });
  let names: readonly string[] = [];
  yield { type: "preface", position: 0, bytes: SESSION_MAGIC.length };
  try {
    for await (const frame of driveDecoder<SessionFrame>(decoder, measured(chunks, ruler), createLanding())) {
      yield* ruler.takeBefore(frame.position).map(passedOver);
      if (frame.type === "message" && frame.message.say === "hello") {
        names = frame.message.disks.map(({ name }) => name);
        // Whether the sink agreed is not to be heard here.
        if (frame.message.features.includes(UNCHECKED_DATA)) decoder.setDataChecksums("either");
      }
      yield itemOf(frame, ruler.takeFirst()?.bytes ?? 0, names);
    }
  } catch (error) {
    if (error instanceof ProtocolError) yield* ruler.takeBefore(error.position).map(passedOver);
    throw error;
  }
  yield* ruler.takeBefore(Infinity).map(passedOver);
}

async function* measured(chunks: AsyncIterable<Uint8Array>, ruler: FrameRuler): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    ruler.add(chunk);
    yield chunk;
  }
}

/** One buffer for all data frames. It grows twice, so that a peer's lengths cannot make us allocate time and again. */
function createLanding(): (payload: { readonly length: number }) => Uint8Array {
  let buffer = new Uint8Array(0);
  return ({ length }) => {
    if (length > buffer.length) buffer = new Uint8Array(length > FRAME_BYTES ? MOST_FRAME_BYTES : FRAME_BYTES);
    return buffer;
  };
}

function passedOver({ position, bytes, kind }: MeasuredFrame): SessionItem {
  return { type: "passed-over", position, bytes, kind };
}

function itemOf(frame: WholeFrame, bytes: number, names: readonly string[]): SessionItem {
  const { position } = frame;
  switch (frame.type) {
    case "data":
    case "hole":
      return { type: frame.type, position, bytes, ...extentOf(frame, names) };
    case "hash": {
      const digest = frame.digest === "zero" ? "zero" : Buffer.from(frame.digest).toString("hex");
      return { type: "hash", position, bytes, ...extentOf(frame, names), digest };
    }
    case "answer":
      return { type: "answer", position, bytes, ...extentOf(frame, names), equal: frame.equal };
    case "ack":
      return { type: "ack", position, bytes, written: frame.written, durable: frame.durable };
    case "message":
      return { type: "message", position, bytes, message: frame.message };
    case "ping":
    case "pong":
      return { type: frame.type, position, bytes, value: frame.value };
  }
}

function extentOf(
  { disk, offset, length }: Extract<WholeFrame, { readonly disk: number }>,
  names: readonly string[],
): { disk: number; device?: string; offset: number; length: number } {
  const device = names[disk];
  return { disk, ...(device !== undefined && { device }), offset, length };
}
