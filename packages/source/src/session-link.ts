import {
  type Crc32,
  createSessionDecoder,
  encodeMessage,
  encodeSessionPing,
  encodeSessionPong,
  encodeSessionPreface,
  type Segments,
  segmentsLength,
  type SessionExtent,
  type SessionFrame,
  type SessionMessage,
  UNCHECKED_DATA,
} from "@blkmig/protocol";

import { aborted } from "./aborted.ts";
import type { Clock } from "./clock.ts";
import { Cut } from "./cut.ts";
import { cutBy, strangerBy } from "./link-failure.ts";
import type { Delivery } from "./outlet.ts";
import { createPulse } from "./pulse.ts";
import type { SessionWire } from "./session-options.ts";
import { createReplies } from "./session-replies.ts";
import { SILENCE_MS, watchReceiver } from "./session-watch.ts";
import { messageOf, Stop } from "./stop.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** How long a receiver may take to hear the last word. */
const LAST_WORD_MS = 1000;

export type Hello = Extract<SessionMessage, { say: "hello" }>;
export type Welcome = Extract<SessionMessage, { say: "welcome" }>;
type Say = SessionMessage["say"];

/** One connection of a session, from its handshake to its end. Everything that waits on it rejects with what ended it. */
export interface SessionLink {
  readonly welcome: Welcome;
  /** What the data of this connection is checked by. */
  readonly checksum: Crc32 | "unchecked";
  /** Sends one data or hole frame that carries `bytes` of disk; it has landed when it is acknowledged. */
  carry(frames: Segments, bytes: number): Delivery;
  /** Asks by a HASH frame whether the sink has the same there. */
  ask(extent: SessionExtent, frames: Segments): Promise<boolean>;
  /** Says it, and gives the next message with this word. The signal ends the waiting, not the connection. */
  request<Word extends Say>(message: SessionMessage, word: Word, signal?: AbortSignal): Promise<Said<Word>>;
  say(message: SessionMessage): Promise<void>;
  /** Data and hole frames sent, in all. */
  readonly carried: number;
  /** Bytes of disk, and questions, that are not answered. */
  readonly unacknowledged: number;
  readonly unanswered: number;
  /** Bytes of stream sent, and how many of them the sink is known to have taken. */
  readonly transferred: number;
  readonly acknowledged: number;
  /** Of what use it is, and was it not, for how long it kept one waiting; see `Replies`. */
  readonly progress: number;
  readonly owed: number;
  /** The shortest round trip so far, milliseconds. */
  readonly roundTrip: number | undefined;
  /** Aborts, with the reason, when it ends. */
  readonly ended: AbortSignal;
  end(reason: Error): void;
  /** Says the last word, and ends when the sink has closed its side or a moment has passed: a reset would take the word back. */
  part(message: SessionMessage, reason: Error): Promise<void>;
}

type Said<Word extends Say> = Extract<SessionMessage, { say: Word }>;

export interface LinkParts {
  readonly wire: SessionWire;
  readonly hello: Hello;
  readonly clock: Clock;
  readonly crc32: Crc32;
  /** Ends the handshake. */
  readonly signal: AbortSignal;
}

/** What a session says first. */
export const encodeOpening = (hello: Hello): Segments => [...encodeSessionPreface(), ...encodeMessage(hello)];

/** Introduces itself, and waits for WELCOME. Throws `Stop` `refused`, or `Cut`; then the wire is let go. */
export async function openSessionLink({ wire, hello, clock, crc32, signal }: LinkParts): Promise<SessionLink> {
  const controller = new AbortController();
  const ended = controller.signal;
  const decoder = createSessionDecoder({ crc32 });
  const replies = createReplies(clock);
  const pulse = createPulse(clock);
  let transferred = 0;
  let isWelcomed = false;

  const end = (reason: Error): void => {
    if (ended.aborted) return;
    controller.abort(reason);
    wire.destroy(reason);
    replies.end(reason);
  };

  const send = async (frames: Segments): Promise<void> => {
    ended.throwIfAborted();
    transferred += segmentsLength(frames);
    try {
      await wire.send(frames);
    } catch (cause) {
      end(new Cut(messageOf(cause), { cause }));
    }
    ended.throwIfAborted();
  };
  /** What cannot be sent is told to whoever waits for its reply. */
  const post = (frames: Segments): void => void send(frames).catch(() => {});

  const onFrame = (frame: SessionFrame): void => {
    if (frame.type === "ack") replies.onAck(frame.written);
    else if (frame.type === "answer") replies.onAnswer(frame);
    else if (frame.type === "pong") pulse.onPong(frame.value);
    else if (frame.type === "ping") post(encodeSessionPong(frame.value));
    else if (frame.type === "message") onMessage(frame.message);
    else throw new Error(`a receiver sends no ${frame.type}`);
  };

  const onMessage = (message: SessionMessage): void => {
    if (message.say === "refused") end(new Stop("refused", `the receiver refused: ${message.message}`));
    else if (message.say === "failed") end(new Stop("refused", `the receiver cannot go on: ${message.message}`));
    else replies.onMessage(message);
    isWelcomed ||= message.say === "welcome";
  };

  const listen = async (): Promise<void> => {
    if (!wire.read) throw new Error("a session needs a wire that answers");
    for (;;) {
      const bytes = await wire.read(decoder.want());
      if (bytes === 0) throw new Error("the receiver closed the connection");
      pulse.onBytes();
      decoder.accept(bytes);
      for (let frame = decoder.next(); frame; frame = decoder.next()) onFrame(frame);
    }
  };

  const request: SessionLink["request"] = async (message, word, within) => {
    const reply = replies.message(word);
    post(encodeMessage(message));
    return within ? unlessAborted(reply, within) : reply;
  };

  const greeted = new AbortController();
  void clock.sleep(SILENCE_MS, AbortSignal.any([greeted.signal, ended])).then(() => {
    if (!greeted.signal.aborted) end(new Cut(`no WELCOME came within ${SILENCE_MS / 1000} s`));
  });
  listen().catch((cause: unknown) => end(isWelcomed ? cutBy(cause) : strangerBy(cause)));
  let welcome: Welcome;
  try {
    const welcomed = replies.message("welcome");
    if (wire.isOpened) transferred += segmentsLength(encodeOpening(hello));
    else post(encodeOpening(hello));
    welcome = await unlessAborted(welcomed, signal);
  } catch (error) {
    end(error as Error);
    throw error;
  } finally {
    greeted.abort();
  }
  const ping = (value: number): void => post(encodeSessionPing(value));
  void watchReceiver({ clock, pulse, replies, ended, ping, end });

  return {
    welcome,
    checksum: agreesOn(UNCHECKED_DATA, hello, welcome) ? "unchecked" : crc32,
    carry(frames, bytes) {
      const landed = replies.carry(bytes, transferred + segmentsLength(frames));
      landed.catch(() => {}); // `taken` rejects alike, and is awaited first
      return { taken: send(frames), landed };
    },
    ask(extent, frames) {
      const answer = replies.ask(extent);
      post(frames);
      return answer;
    },
    request,
    say: (message) => send(encodeMessage(message)),
    get carried() {
      return replies.carried;
    },
    get unacknowledged() {
      return replies.unacknowledged;
    },
    get unanswered() {
      return replies.unanswered;
    },
    get transferred() {
      return transferred;
    },
    get acknowledged() {
      return replies.acknowledged;
    },
    get progress() {
      return replies.progress;
    },
    get owed() {
      return replies.owed;
    },
    get roundTrip() {
      return pulse.roundTrip;
    },
    ended,
    end,
    async part(message, reason) {
      const heard = send(encodeMessage(message))
        .then(() => wire.finish())
        .then(() => aborted(ended));
      const waited = new AbortController();
      await Promise.race([heard.catch(() => {}), clock.sleep(LAST_WORD_MS, waited.signal)]);
      waited.abort();
      end(reason);
    },
  };
}

/** A feature that was not asked for is not agreed on by naming it. */
const agreesOn = (feature: string, hello: Hello, welcome: Welcome): boolean =>
  hello.features.includes(feature) && welcome.features.includes(feature);
