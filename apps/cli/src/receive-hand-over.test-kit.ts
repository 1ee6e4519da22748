import { readFileSync } from "node:fs";

import {
  createSessionDecoder,
  encodeData,
  encodeMessage,
  encodeSessionPreface,
  HAND_OVER,
  type SessionMessage,
} from "@blkmig/protocol";
import { connectUrl, parseWireUrl } from "@blkmig/transport/url";
import { onTestFinished } from "vitest";

import { MIB } from "./make-disks.test-kit.ts";

/** A sender of one disk, `a`, that moves a whole machine; it says what it is told to. */
export interface HandOverSender {
  say(message: SessionMessage): Promise<void>;
  /** The next message. Throws if it is another one; undefined if the receiver has hung up. */
  heard(say: SessionMessage["say"]): Promise<SessionMessage | undefined>;
  /** Sends the disk, and asks for SEALED. */
  sendAll(attempt: number): Promise<void>;
  /** It has heard all: a receiver waits for that. */
  finish(): Promise<void>;
}

export async function startHandOverSender(url: string, source: string): Promise<HandOverSender> {
  const disk = readFileSync(source);
  const wire = await connectUrl(parseWireUrl(url), {});
  onTestFinished(() => wire.destroy());
  const decoder = createSessionDecoder();
  const say = async (message: SessionMessage): Promise<void> => wire.send(encodeMessage(message));

  const next = async (): Promise<SessionMessage | undefined> => {
    for (;;) {
      const frame = decoder.next();
      if (frame?.type === "message") return frame.message;
      if (frame) continue;
      const bytes = await wire.read(decoder.want());
      if (bytes === 0) return undefined;
      decoder.accept(bytes);
    }
  };

  await wire.send(encodeSessionPreface());
  await say({
    say: "hello",
    versions: [2, 2],
    features: [HAND_OVER],
    migration: "m-1",
    source: "s-1",
    disks: [{ name: "a", size: disk.length, granularity: 65536 }],
    frameBytes: MIB,
    resume: false,
    incremental: false,
    clone: false,
  });
  return {
    say,
    async heard(what) {
      const message = await next();
      if (message && message.say !== what) throw new Error(`heard ${JSON.stringify(message)} instead of '${what}'`);
      return message;
    },
    async sendAll(attempt) {
      let frames = 0;
      for (let offset = 0; offset < disk.length; offset += MIB, frames++) {
        const bytes = disk.subarray(offset, offset + MIB);
        await wire.send(encodeData({ disk: 0, offset, length: bytes.length }, bytes));
      }
      await say({ say: "seal", attempt, frames, verified: false });
    },
    finish: async () => wire.finish(),
  };
}
