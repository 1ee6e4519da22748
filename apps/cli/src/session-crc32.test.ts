import { crc32 as zlibCrc32 } from "node:zlib";

import { createMemoryDevice } from "@blkmig/device";
import type { Crc32 } from "@blkmig/protocol";
import { type ConnectionEnd, createSinkSession } from "@blkmig/sink";
import { createMigration } from "@blkmig/source";
import { createRandom } from "@blkmig/testkit";
import { memoryPair } from "@blkmig/transport/memory";
import { describe, expect, test } from "vitest";

import { loadCrc32 } from "./load-crc32.ts";

const SIZE = 2 * 1024 * 1024;
const FRAME = 64 * 1024;
const GARBAGE = 0xe5;
const content = createRandom(9).bytes(SIZE);

interface Ends {
  readonly source?: Crc32;
  readonly sink?: Crc32;
}

/** Moves 2 MiB of data over one connection, each end with the CRC-32 that it is given. */
async function move({ source, sink }: Ends) {
  const origin = createMemoryDevice({ size: SIZE, fill: 0 });
  await origin.write(0, [content]);
  const target = createMemoryDevice({ size: SIZE, fill: GARBAGE });
  const session = createSinkSession({
    open: async () => ({
      devices: [target],
      journal: { begin: async () => {}, held: async () => {}, decide: async () => {}, done: async () => {} },
      close: async () => {},
    }),
    ...(sink && { crc32: sink }),
  });
  session.ended.catch(() => {}); // what it ends with is told by `ends`
  const ends: ConnectionEnd[] = [];
  const migration = createMigration({
    disks: [{ name: "vda", device: origin }],
    session: {
      async connect() {
        if (ends.length > 0) throw new Error("nobody listens any more");
        const [here, there] = memoryPair();
        void session.take(there).then(async (end) => {
          ends.push(end);
          if (end.how === "over") await there.finish();
          else there.destroy();
        });
        return here;
      },
      frameBytes: FRAME,
      reconnectFor: 0,
      ...(source && { crc32: source }),
    },
  });
  const failure = await migration.run().then(
    () => undefined,
    (error: unknown) => error,
  );
  await session.giveUp("nobody comes again");
  const landed = Buffer.alloc(SIZE);
  await target.read(0, landed);
  return { failure, ends, landed };
}

function counting(crc32: Crc32) {
  let frames = 0;
  let seeds = 0;
  const counted: Crc32 = (data, ...more) => {
    if (data.length === FRAME) frames++;
    seeds += more.length;
    return crc32(data);
  };
  return { crc32: counted, counts: () => ({ frames, seeds }) };
}

/** Wrong about data only: messages are shorter, and the two would not even greet each other. */
const wrong: Crc32 = (data) => (data.length === FRAME ? zlibCrc32(data) ^ 1 : zlibCrc32(data));

describe("a session", () => {
  test("has all its data checked at both ends by the CRC-32 that it is given", async () => {
    const source = counting(await loadCrc32());
    const sink = counting(await loadCrc32());
    const { failure, landed } = await move({ source: source.crc32, sink: sink.crc32 });
    expect(failure).toBeUndefined();
    expect(landed.equals(content)).toBe(true);
    expect(source.counts()).toEqual({ frames: SIZE / FRAME, seeds: 0 });
    expect(sink.counts()).toEqual({ frames: SIZE / FRAME, seeds: 0 });
  });

  test.each<readonly [string, (fast: Crc32) => Ends]>([
    ["source", (fast) => ({ source: fast })],
    ["sink", (fast) => ({ sink: fast })],
  ])("goes well with the program's at its %s, and zlib's at the other", async (_end, ends) => {
    const { failure, landed } = await move(ends(await loadCrc32()));
    expect(failure).toBeUndefined();
    expect(landed.equals(content)).toBe(true);
  });

  test.each<readonly [string, Ends]>([
    ["source", { source: wrong }],
    ["sink", { sink: wrong }],
  ])("whose %s has a wrong one is cut, and nothing is written", async (_end, ends) => {
    const { failure, ends: cuts, landed } = await move(ends);
    expect(failure).toMatchObject({ code: "wire" });
    expect(cuts).toMatchObject([{ how: "cut", why: expect.stringContaining("not the one that was sent") }]);
    expect(landed.every((byte) => byte === GARBAGE)).toBe(true);
  });
});
