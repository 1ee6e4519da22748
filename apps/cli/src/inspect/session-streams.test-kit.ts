import {
  encodeAck,
  encodeAnswer,
  encodeData,
  encodeHash,
  encodeHole,
  encodeMessage,
  encodeSessionPing,
  encodeSessionPong,
  encodeSessionPreface,
  type Segments,
} from "@blkmig/protocol";

/** A frame of an optional type, as nobody writes one yet. */
export const OPTIONAL_FRAME = Buffer.from(`8000000000000005${"00".repeat(16)}00000001a0aa4eda0102030405`, "hex");

/** What a source says, in order: one of everything. */
export const SOURCE: readonly Segments[] = [
  encodeSessionPreface(),
  encodeMessage({
    say: "hello",
    versions: [2, 2],
    features: [],
    migration: "m-1",
    source: "s-1",
    disks: [
      { name: "vda", size: 1024 ** 3, granularity: 65536 },
      { name: "vd\u001Bb", size: 512, granularity: 4096 },
    ],
    frameBytes: 1024 ** 2,
    resume: false,
    incremental: false,
    clone: false,
  }),
  encodeSessionPing(7),
  encodeData({ disk: 0, offset: 4096, length: 3 }, Uint8Array.of(1, 2, 3)),
  encodeHole({ disk: 1, offset: 0, length: 512 }),
  encodeHash({ disk: 0, offset: 4096, length: 3 }, new Uint8Array(32).fill(0xab)),
  encodeHash({ disk: 0, offset: 65536, length: 1024 ** 2 }, "zero"),
  [OPTIONAL_FRAME],
  encodeData({ disk: 0, offset: 0, length: 5 }, new Uint8Array(5)),
  encodeMessage({ say: "flush", serial: 1 }),
  encodeMessage({ say: "prepare", attempt: 1 }),
  encodeMessage({ say: "seal", attempt: 1, frames: 3, verified: true }),
  encodeMessage({ say: "commit", attempt: 1 }),
  encodeMessage({ say: "done", attempt: 1 }),
];

/** What a sink answers. */
export const SINK: readonly Segments[] = [
  encodeSessionPreface(),
  encodeMessage({
    say: "welcome",
    version: 2,
    features: [],
    sink: "k-1",
    epoch: 1,
    frameBytes: 1024 ** 2,
    window: 1024 ** 2,
    state: "open",
    attempt: 0,
    held: [[], []],
  }),
  encodeSessionPong(7),
  encodeAnswer({ disk: 0, offset: 4096, length: 3 }, true),
  encodeAnswer({ disk: 0, offset: 65536, length: 1024 ** 2 }, false),
  encodeAck(2, 1),
  encodeAck(3, 3),
  encodeMessage({ say: "flushed", serial: 1, ms: 0.5 }),
  encodeMessage({ say: "ready", attempt: 1, serve: "nbd://here" }),
  encodeMessage({ say: "sealed", attempt: 1 }),
  encodeMessage({ say: "committed", attempt: 1 }),
];

/** The stream of such frames, and where each of them begins. */
export function streamOf(frames: readonly Segments[]): { bytes: Buffer; positions: readonly number[] } {
  const pieces = frames.map((segments) => Buffer.concat(segments));
  const positions = pieces.map((_, i) => Buffer.concat(pieces.slice(0, i)).length);
  return { bytes: Buffer.concat(pieces), positions };
}
