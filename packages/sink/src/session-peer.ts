import type { Clock } from "@blkmig/device/memory";
import {
  type Crc32,
  createSessionDecoder,
  encodeMessage,
  encodeSessionPing,
  encodeSessionPreface,
  FRAME_BYTES,
  type Segments,
  type SessionFrame,
  type SessionMessage,
} from "@blkmig/protocol";

import { cut } from "./connection-stop.ts";
import type { SinkWire } from "./load-options.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import { createStop, type Stop } from "./stop.ts";

/** For the magic and HELLO, in all. */
const HANDSHAKE_MS = 10_000;
/** A peer from which nothing comes for so long, or that takes nothing, has gone. */
const SILENCE_MS = 30_000;
/** After so long without a word of ours we say one, or the peer would think the same of us. */
const HEARTBEAT_MS = 10_000;
/** How long a last word may take. */
const LAST_WORD_MS = 2_000;

/** One connection of a session: frames in, frames out, and a watch over its silence. */
export interface Peer {
  readonly stop: Stop;
  readonly outbox: Outbox;
  /** The next frame; undefined when the peer has finished between two frames. Throws what stopped it. */
  next(): Promise<SessionFrame | undefined>;
  /** Where the payload shall go that was just announced. */
  land(buffer: Uint8Array): void;
  /** How data frames are from the next one on: what was agreed. */
  expect(agreed: { readonly frameBytes: number; readonly checksums: boolean }): void;
  /** HELLO was read: from now on only silence ends the connection. */
  greeted(): void;
  /** Settles when it was sent; throws what stopped the connection. */
  say(message: SessionMessage): Promise<void>;
  /** Says it before the connection ends; that nobody hears it any more is no failure. */
  lastWord(message: SessionMessage): Promise<void>;
  /** Stops the watch. */
  end(): void;
}

export interface PeerParts {
  readonly wire: SinkWire;
  readonly clock: Clock;
  readonly crc32: Crc32;
  readonly onBytes: (bytes: number) => void;
  /** Of the data and hole frames of this connection: how many are written, and how many of these durable. */
  readonly counts: () => { readonly written: number; readonly durable: number };
}

export function createPeer({ wire, clock, crc32, onBytes, counts }: PeerParts): Peer {
  const stop = createStop();
  const watch = new AbortController();
  const decoder = createSessionDecoder({ frameBytes: FRAME_BYTES, crc32 });
  const startedAt = clock.now();
  let isGreeted = false;
  let hasSpoken = false;
  let readingSince: number | undefined;
  const outbox = createOutbox({
    send: async (data) => wire.send?.(data),
    now: () => clock.now(),
    counts,
    onFailure: (reason) => stop.stop(cut(`the wire broke: ${messageOf(reason)}`)),
  });

  const speak = async (data: Segments): Promise<void> => {
    const preface = hasSpoken ? [] : encodeSessionPreface();
    hasSpoken = true;
    await outbox.say([...preface, ...data]);
  };

  const read = async (): Promise<number> => {
    readingSince = clock.now();
    const bytes = await stop.unlessStopped(wire.read(decoder.want()));
    readingSince = undefined;
    onBytes(bytes);
    return bytes;
  };

  /** When the connection ends, if nothing happens until then; our own slowness is nobody's silence. */
  const deadline = (): { readonly at: number; readonly why: string } => {
    if (!isGreeted) return { at: startedAt + HANDSHAKE_MS, why: `no HELLO came within ${HANDSHAKE_MS / 1000} s` };
    const sending = (outbox.sendingSince ?? Infinity) + SILENCE_MS;
    const reading = (readingSince ?? Infinity) + SILENCE_MS;
    const why = sending < reading ? "the source took nothing" : "the source was silent";
    return { at: Math.min(sending, reading), why: `${why} for ${SILENCE_MS / 1000} s` };
  };

  const heartbeat = (): number => {
    if (!isGreeted || outbox.sendingSince !== undefined) return clock.now() + HEARTBEAT_MS;
    if (clock.now() - outbox.lastSent >= HEARTBEAT_MS) speak(encodeSessionPing(0)).catch(() => {}); // `stop` says why
    return Math.max(outbox.lastSent, clock.now()) + HEARTBEAT_MS;
  };

  const watchOver = async (): Promise<void> => {
    while (!watch.signal.aborted && !stop.reason) {
      const { at, why } = deadline();
      if (at <= clock.now()) return stop.stop(cut(why));
      const next = Math.min(at, heartbeat());
      await clock.sleep(Math.max(1, next - clock.now()), watch.signal);
    }
  };
  void watchOver();

  return {
    stop,
    outbox,
    async next() {
      for (;;) {
        stop.check();
        const frame = decoder.next();
        if (frame) return frame;
        const bytes = await read();
        if (bytes === 0) return decoder.end() as undefined;
        decoder.accept(bytes);
      }
    },
    land: (buffer) => decoder.land(buffer),
    expect({ frameBytes, checksums }) {
      decoder.setFrameBytes(frameBytes);
      decoder.setDataChecksums(checksums ? "present" : "absent");
    },
    greeted() {
      isGreeted = true;
    },
    // A wire that takes nothing must not keep a connection from ending.
    say: async (message) => stop.unlessStopped(speak(encodeMessage(message))),
    async lastWord(message) {
      if (!isGreeted) return; // a stranger gets no byte of a session
      const done = new AbortController();
      const said = speak(encodeMessage(message)).catch(() => {});
      await Promise.race([said, clock.sleep(LAST_WORD_MS, done.signal)]);
      done.abort();
    },
    end: () => watch.abort(),
  };
}

const messageOf = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason));
