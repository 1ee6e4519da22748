import { type Connection, memoryPair } from "@blkmig/transport/memory";

import { createFrameSplitter, MESSAGE, PREFACE, type SplitFrame, spokenIn } from "./session-bytes.ts";

/** The other end of a session, which says just the bytes that it is told to. */
export interface PeerByHand {
  /** What it speaks with: today's source or sink gets this end. */
  readonly wire: Connection;
  say(...bytes: Uint8Array[]): Promise<void>;
  /** The next message, whatever came before it; undefined when the wire has ended. */
  heard(): Promise<ReturnType<typeof spokenIn>>;
}

export function createPeerByHand(): PeerByHand {
  const [wire, hand] = memoryPair();
  const split = createFrameSplitter();
  const frames: SplitFrame[] = [];
  const buffer = new Uint8Array(64 * 1024);
  let hasSpoken = false;

  const next = async (): Promise<SplitFrame | undefined> => {
    while (frames.length === 0) {
      const bytes = await hand.read(buffer).catch(() => 0);
      if (bytes === 0) return undefined;
      frames.push(...split(buffer.slice(0, bytes)));
    }
    return frames.shift();
  };

  return {
    wire,
    async say(...bytes) {
      const preface = hasSpoken ? [] : [PREFACE];
      hasSpoken = true;
      await hand.send([...preface, ...bytes]);
    },
    async heard() {
      let frame = await next();
      while (frame && frame.type !== MESSAGE) frame = await next();
      return frame && spokenIn(frame);
    },
  };
}

/** What a source of version 2 begins with, and what a sink answers: the texts, with some of the keys said otherwise. */
export const helloText = (said: object = {}): string =>
  JSON.stringify({
    say: "hello",
    versions: [2, 2],
    features: [],
    migration: "m-1",
    source: "run-1",
    disks: [{ name: "vda", size: 65536, granularity: 4096 }],
    frameBytes: 16384,
    resume: false,
    incremental: false,
    clone: false,
    ...said,
  });

export const welcomeText = (said: object = {}): string =>
  JSON.stringify({
    say: "welcome",
    version: 2,
    features: [],
    sink: "run-2",
    epoch: 1,
    frameBytes: 16384,
    window: 1048576,
    state: "open",
    attempt: 0,
    held: [[]],
    ...said,
  });
