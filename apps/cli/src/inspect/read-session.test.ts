import { crc32 } from "node:zlib";

import { describe, expect, it } from "vitest";

import { readSession } from "./read-session.ts";
import type { SessionItem } from "./session-item.ts";
import { SINK, SOURCE, streamOf } from "./session-streams.test-kit.ts";
import { createSessionSummary } from "./session-summary.ts";

async function itemsOf(bytes: Uint8Array, chunk: number): Promise<{ items: SessionItem[]; error: unknown }> {
  const chunks = async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
  };
  const items: SessionItem[] = [];
  try {
    for await (const item of readSession(chunks())) items.push(item);
  } catch (error) {
    return { items, error };
  }
  return { items, error: undefined };
}

describe.each([
  ["source", SOURCE],
  ["sink", SINK],
])("a %s's direction", (_, frames) => {
  const { bytes, positions } = streamOf(frames);

  it.each([1, 7, 31, 33, 4096, 1024 * 1024])("is every frame at its place, in chunks of %d", async (chunk) => {
    const { items, error } = await itemsOf(bytes, chunk);
    expect(error).toBeUndefined();
    expect(items.map(({ position }) => position)).toEqual(positions);
    expect(items.map((item) => item.bytes)).toEqual(frames.map((segments) => Buffer.concat(segments).length));
  });

  it("is shown up to the frame that it breaks off in, wherever that is", async () => {
    for (let length = 8; length < bytes.length; length++) {
      const { items, error } = await itemsOf(bytes.subarray(0, length), 4096);
      const whole = positions.filter((_at, i) => (positions[i + 1] ?? bytes.length) <= length);
      expect(items.map(({ position }) => position)).toEqual(whole);
      const between = positions.includes(length);
      expect(error).toEqual(between ? undefined : expect.objectContaining({ code: "truncated" }));
    }
  });
});

it("a message that is optional and not known is a frame that is passed over", async () => {
  const [preface, ...rest] = SOURCE;
  const text = Buffer.from('{"say":"later","optional":true}');
  const header = Buffer.alloc(32);
  header[0] = 6;
  header.writeUInt32BE(text.length, 4);
  header.writeUInt32BE(crc32(text), 24);
  header.writeUInt32BE(crc32(header.subarray(0, 28)), 28);
  const { items, error } = await itemsOf(streamOf([preface!, [header, text], ...rest]).bytes, 100);
  expect(error).toBeUndefined();
  expect(items[1]).toEqual({ type: "passed-over", position: 8, bytes: 63, kind: 6 });
  expect(items).toHaveLength(SOURCE.length + 1);
});

it("of more messages on the switchover than there can be, the last are kept", () => {
  const summary = createSessionSummary();
  for (let attempt = 1; attempt <= 300; attempt++) {
    summary.add({ type: "message", position: attempt, bytes: 60, message: { say: "prepare", attempt } });
  }
  const { commit, commitLeftOut } = summary.result();
  expect(commitLeftOut).toBe(44);
  expect(commit.map(({ position }) => position)).toEqual(Array.from({ length: 256 }, (_, i) => i + 45));
});

it("what only a source says and what only a sink says make no one direction", () => {
  const summary = createSessionSummary();
  summary.add({ type: "pong", position: 8, bytes: 32, value: 1 });
  expect(summary.result().speaker).toBeUndefined();
  summary.add({ type: "hole", position: 40, bytes: 32, disk: 3, offset: 0, length: 9 });
  expect(summary.result()).toMatchObject({ speaker: "source", disks: [{ disk: 3, hole: 9 }] });
  summary.add({ type: "ack", position: 72, bytes: 32, written: 1, durable: 0 });
  expect(summary.result().speaker).toBe("both");
});
