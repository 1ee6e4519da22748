import { createMemoryDevice } from "@blkmig/device";
import { encodeData, encodeHole } from "@blkmig/protocol";
import { expect, test } from "vitest";

import { createHandDrivenSource } from "./hand-driven-source.test-kit.ts";
import { createSinkSession } from "./sink-session.ts";

const MiB = 1024 * 1024;
const KiB = 1024;

test("the main path: offer, data, hole, acknowledgements, flush, seal, commit, done", async () => {
  const steps: string[] = [];
  const device = createMemoryDevice({ name: "vda", size: 4 * MiB, fill: 0xe5 });
  const session = createSinkSession({
    open: async () => ({
      devices: [device],
      journal: {
        begin: async () => void steps.push("begin"),
        held: async (disks) => void steps.push(`held ${[...disks[0]!].length}`),
        decide: async (state, attempt) => void steps.push(`${state} ${attempt}`),
        done: async () => void steps.push("done"),
      },
      close: async (written) => void steps.push(`close ${written}`),
    }),
  });
  const source = createHandDrivenSource();
  const taking = session.take(source.wire);
  source.open();
  source.say({
    say: "hello",
    versions: [2, 2],
    features: [],
    migration: "m-1",
    source: "s-1",
    disks: [{ name: "vda", size: 4 * MiB, granularity: 64 * KiB }],
    frameBytes: MiB,
    resume: false,
    incremental: false,
    clone: false,
  });
  const welcome = await source.heard("welcome");
  expect(welcome).toMatchObject({ epoch: 1, state: "open", attempt: 0, frameBytes: MiB, held: [[]] });
  source.put(encodeData({ disk: 0, offset: 0, length: MiB }, Buffer.alloc(MiB, 1)));
  source.put(encodeHole({ disk: 0, offset: MiB, length: 3 * MiB }));
  await source.acked(2);
  source.say({ say: "flush", serial: 7 });
  expect(await source.heard("flushed")).toMatchObject({ serial: 7 });
  source.say({ say: "prepare", attempt: 1 });
  await source.heard("ready");
  source.put(encodeData({ disk: 0, offset: MiB, length: 512 }, Buffer.alloc(512, 9)));
  source.say({ say: "seal", attempt: 1, frames: 3, verified: false });
  await source.heard("sealed");
  expect(session.state).toBe("sealed");
  source.say({ say: "commit", attempt: 1 });
  await source.heard("committed");
  source.say({ say: "done", attempt: 1 });
  expect(await taking).toEqual({ how: "over" });
  expect(await session.ended).toMatchObject({ migration: "m-1", attempt: 1, told: true, covered: 4 * MiB });
  expect(steps).toEqual(["begin", "held 1", "held 1", "sealed 1", "committed 1", "done", "close touched"]);
  const bytes = Buffer.alloc(4 * MiB, 0xff);
  await device.read(0, bytes);
  const expected = Buffer.concat([Buffer.alloc(MiB, 1), Buffer.alloc(512, 9), Buffer.alloc(3 * MiB - 512)]);
  expect(bytes.equals(expected)).toBe(true);
});
