import { joined, saidWithin } from "./said-by-sink.ts";
import { DATA, HASH, HOLE, MESSAGE, splitFrames, spokenIn } from "./session-bytes.ts";
import type { RecordedConnection } from "./transcript.ts";

/** A message as it was recorded. */
export interface Text {
  readonly say: string;
  readonly text: string;
}

/** What the recorded source heard of the recorded sink's messages. */
export function textsHeard({ sink, isCut, readBySource }: RecordedConnection): Text[] {
  return splitFrames(joined(sink))
    .filter(({ type, end }) => type === MESSAGE && (!isCut || end <= readBySource))
    .map((frame) => ({ say: spokenIn(frame)!.say, text: Buffer.from(frame.payload).toString() }));
}

/** Whether the recorded source had the recorded sink compare anything. */
export const hasAsked = ({ source }: RecordedConnection): boolean =>
  splitFrames(joined(source)).some(({ type }) => type === HASH);

/** How far a connection came before its wire broke. */
export interface BreakingPoint {
  /** DATA and HOLE, and messages, that the recorded sink had taken. */
  readonly frames: number;
  readonly messages: number;
  /** What the recorded source had heard acknowledged. */
  readonly written: number;
}

export function breakingPointOf(connection: RecordedConnection): BreakingPoint {
  const { source, sink, isCut, readBySink, readBySource } = connection;
  if (!isCut) return { frames: Infinity, messages: Infinity, written: Infinity };
  const taken = splitFrames(joined(source)).filter(({ end }) => end <= readBySink);
  return {
    frames: taken.filter(({ type }) => type === DATA || type === HOLE).length,
    messages: taken.filter(({ type }) => type === MESSAGE).length,
    written: saidWithin(sink, readBySource).written,
  };
}

/** By which words each word of a source is answered. */
const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  hello: ["welcome", "refused"],
  flush: ["flushed"],
  prepare: ["ready"],
  seal: ["sealed"],
  commit: ["committed"],
  abort: ["aborted"],
  outcome: ["state"],
};

/** The recorded messages of one connection, each said once, in their order, when it is asked for. */
export interface Prompter {
  /** The text that answers this word; undefined of a word that asks nothing. Throws where none was recorded. */
  answerTo(say: string): Text | undefined;
  /** Whether one that answers this word is left. */
  hasAnswerTo(say: string): boolean;
  readonly left: readonly Text[];
}

export function createPrompter(texts: readonly Text[]): Prompter {
  const left = [...texts];
  let lastFlushed: Text | undefined;
  const placeOf = (say: string): number => left.findIndex((text) => ANSWERS[say]?.includes(text.say));
  return {
    left,
    hasAnswerTo: (say) => placeOf(say) >= 0,
    answerTo(say) {
      if (!ANSWERS[say]) return undefined;
      const place = placeOf(say);
      const [text = say === "flush" ? lastFlushed : undefined] = place < 0 ? [] : left.splice(place, 1);
      if (!text) throw new Error(`the recorded sink never answered '${say}' so often`);
      if (say === "flush") lastFlushed = text; // one flush more than then is no harm
      return text;
    },
  };
}
