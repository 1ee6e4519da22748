import { ACK, ANSWER, createFrameSplitter, spokenIn, splitFrames, type SplitFrame } from "./session-bytes.ts";
import type { Piece } from "./transcript.ts";

/** What a sink has said on one connection so far. Its kinds are apart: how they interleave is nobody's business. */
export interface SaidBySink {
  readonly messages: Message[];
  /** "0 4096+16384 equal" */
  readonly answers: string[];
  /** The highest counts that were acknowledged. */
  written: number;
  durable: number;
}

export type Message = NonNullable<ReturnType<typeof spokenIn>>;

const nothing = (): SaidBySink => ({ messages: [], answers: [], written: 0, durable: 0 });

function add(said: SaidBySink, frame: SplitFrame): void {
  const message = spokenIn(frame);
  if (message && message["optional"] !== true) said.messages.push(message);
  if (frame.type === ANSWER) {
    const { disk, offset, length, flags } = frame;
    said.answers.push(`${disk} ${offset}+${length} ${flags === 1 ? "equal" : "differs"}`);
  }
  if (frame.type !== ACK) return;
  if (frame.offset < said.written || frame.length < said.durable) throw new Error("an acknowledgement fell");
  said.written = frame.offset;
  said.durable = frame.length;
}

/** What a sink says while it says it. */
export function createListener(): { readonly said: SaidBySink; hear(bytes: Uint8Array): void } {
  const said = nothing();
  const split = createFrameSplitter();
  return {
    said,
    hear: (bytes) => {
      for (const frame of split(bytes)) add(said, frame);
    },
  };
}

/** What of a recorded sink's bytes had been said in whole frames within the first `limit`. */
export function saidWithin(pieces: readonly Piece[], limit: number): SaidBySink {
  const said = nothing();
  for (const frame of splitFrames(joined(pieces))) if (frame.end <= limit) add(said, frame);
  return said;
}

export const joined = (pieces: readonly Piece[]): Uint8Array => Buffer.concat(pieces.map(({ bytes }) => bytes));

/** Whether one has said at least as much as another, of each kind. */
export const hasSaidAsMuch = (one: SaidBySink, other: SaidBySink): boolean =>
  one.messages.length >= other.messages.length &&
  one.answers.length >= other.answers.length &&
  one.written >= other.written;
