import type { Watch } from "./relay.test-kit.ts";

const PREFACE_BYTES = 8;
const HEADER_BYTES = 32;
const NAMES = ["none", "data", "hole", "hash", "answer", "ack", "message", "ping", "pong"] as const;

export type FrameCounts = Readonly<Record<(typeof NAMES)[number], number>>;

/** Counts a session's frames on their way to the receiver, over one connection, by the table in docs/wire-format.md. */
export function countFrames(): { readonly watch: Watch; frames(): FrameCounts } {
  const counts = Object.fromEntries(NAMES.map((name) => [name, 0])) as Record<(typeof NAMES)[number], number>;
  let header = Buffer.alloc(0);
  /** Bytes until the next header. */
  let skip = PREFACE_BYTES;

  const take = (chunk: Buffer): void => {
    for (let at = 0; at < chunk.length;) {
      const passed = Math.min(skip, chunk.length - at);
      skip -= passed;
      const piece = chunk.subarray(at + passed, at + passed + HEADER_BYTES - header.length);
      at += passed + piece.length;
      header = Buffer.concat([header, piece]);
      if (header.length < HEADER_BYTES) continue;
      counts[NAMES[header[0]!] ?? "none"]++;
      skip = header.readUInt32BE(4);
      header = Buffer.alloc(0);
    }
  };

  return {
    watch(way, chunk) {
      if (way === "there") take(chunk);
      return [chunk];
    },
    frames: () => counts,
  };
}
