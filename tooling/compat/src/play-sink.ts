import type { BlockDevice } from "@blkmig/device";
import { type Connection, memoryPair } from "@blkmig/transport/memory";

import { openTarget } from "./disk-content.ts";
import { isSameByHand, landByHand } from "./landed-by-hand.ts";
import {
  type BreakingPoint,
  breakingPointOf,
  createPrompter,
  hasAsked,
  type Prompter,
  textsHeard,
} from "./recorded-sink.ts";
import {
  ACK,
  ANSWER,
  createFrameSplitter,
  DATA,
  frameOf,
  HASH,
  HOLE,
  messageOf,
  PING,
  PONG,
  PREFACE,
  type SplitFrame,
  spokenIn,
} from "./session-bytes.ts";
import type { Transcript } from "./transcript.ts";

/** A recorded sink, for today's source to connect to. */
export interface PlayedSink {
  readonly targets: readonly BlockDevice[];
  connect(): Promise<Connection>;
  /** What went otherwise than it was recorded, as sentences. */
  complaints(): string[];
}

/** How many of the `available` bytes the next read of either end is given. */
export type Split = (available: number) => number;

/**
 * Plays a recorded sink, connection by connection: its messages are the recorded texts. Acknowledgements and answers are
 * of what today's source sends.
 */
export async function playSink({ scenario, connections }: Transcript, split: Split): Promise<PlayedSink> {
  const targets = await Promise.all(scenario.disks.map(openTarget));
  const prompters = connections.map((connection) => createPrompter(textsHeard(connection)));
  const failures: string[] = [];
  const unasked = new Set(connections.filter(hasAsked));
  let calls = 0;
  return {
    targets,
    async connect() {
      const call = calls++;
      const connection = connections[call];
      if (!connection) throw new Error("the recorded sink was not called so often");
      const [near, far] = memoryPair({ split });
      const conversation = createConversation({
        wire: far,
        prompter: prompters[call]!,
        breaks: breakingPointOf(connection),
        targets,
        onHash: () => unasked.delete(connection),
      });
      conversation.run().catch((error: unknown) => failures.push(String(error)));
      return near;
    },
    complaints() {
      // How often a source has things flushed is its own affair.
      const left = prompters.flatMap((prompter) => prompter.left).filter(({ say }) => say !== "flushed");
      const unsaid = left.map(({ text }) => `nobody asked for ${text}`);
      return [...failures, ...unsaid, ...[...unasked].map(() => "nothing was compared, and then it was")];
    },
  };
}

interface ConversationParts {
  readonly wire: Connection;
  readonly prompter: Prompter;
  readonly breaks: BreakingPoint;
  readonly targets: readonly BlockDevice[];
  readonly onHash: () => void;
}

function createConversation({ wire, prompter, breaks, targets, onHash }: ConversationParts): { run(): Promise<void> } {
  const sending: Promise<void>[] = [];
  let frames = 0;
  let messages = 0;
  let durable = 0;

  // Not awaited: a source that reads nothing while it sends would wait for us, and we for it.
  const send = (bytes: Uint8Array): void => void sending.push(wire.send([bytes]).catch(() => {}));

  const acknowledge = (): void => {
    const written = Math.min(frames, breaks.written);
    send(frameOf({ type: ACK, offset: written, length: Math.min(durable, written) }));
  };

  const isOver = (): boolean => messages > breaks.messages || (messages === breaks.messages && frames >= breaks.frames);

  const hear = (say: string): void => {
    messages++;
    if (isOver() && !prompter.hasAnswerTo(say)) return; // the wire broke before the answer came
    const text = prompter.answerTo(say);
    if (!text) return;
    if (say === "flush" || say === "seal") {
      durable = frames;
      acknowledge();
    }
    send(messageOf(text.text));
  };

  const take = async (frame: SplitFrame): Promise<void> => {
    const { type, disk, offset, length } = frame;
    const said = spokenIn(frame);
    if (said) return hear(said.say);
    if (type === PING) return send(frameOf({ type: PONG, offset }));
    if (type === HASH) {
      onHash();
      const isSame = await isSameByHand(targets, frame);
      return send(frameOf({ type: ANSWER, flags: isSame ? 1 : 0, disk, offset, length }));
    }
    if (type !== DATA && type !== HOLE) throw new Error(`a source sends no frame of type ${type}`);
    await landByHand(targets, frame);
    frames++;
    acknowledge();
  };

  const breakOff = async (reason: Error): Promise<void> => {
    await Promise.all(sending); // what was said before it broke was heard
    wire.destroy(reason);
  };

  const listen = async (): Promise<void> => {
    const split = createFrameSplitter();
    const buffer = new Uint8Array(64 * 1024);
    send(PREFACE);
    const read = async (): Promise<number> => wire.read(buffer).catch(() => 0); // a source that fails lets go
    for (let bytes = await read(); bytes > 0; bytes = await read()) {
      for (const frame of split(buffer.slice(0, bytes))) {
        await take(frame);
        if (isOver()) return breakOff(new Error("cut"));
      }
    }
    await wire.finish().catch(() => {}); // it may have let go
  };

  return {
    async run() {
      try {
        await listen();
      } catch (error) {
        wire.destroy(error as Error);
        throw error;
      }
    },
  };
}
