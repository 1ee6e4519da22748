import { encodeData, encodeHole, HAND_OVER, UNCHECKED_DATA } from "@blkmig/protocol";
import { describe, expect, test } from "vitest";

import { type Connected, createSessionUnderTest, GARBAGE, GRANULE, MiB } from "./session-under-test.test-kit.ts";

const SIZE = 4 * MiB;
const extent = { disk: 0, offset: GRANULE, length: GRANULE };
const data = Buffer.alloc(GRANULE, 7);
const wish = { features: [UNCHECKED_DATA] };

/** Sends the rest as holes, and has it committed. */
async function commit(source: Connected, frames: number): Promise<void> {
  source.put(encodeHole({ disk: 0, offset: 0, length: GRANULE }));
  source.put(encodeHole({ disk: 0, offset: 2 * GRANULE, length: SIZE - 2 * GRANULE }));
  source.say({ say: "seal", attempt: 1, frames: frames + 2, verified: false });
  await source.heard("sealed");
  source.say({ say: "commit", attempt: 1 });
  await source.heard("committed");
  source.say({ say: "done", attempt: 1 });
}

describe("a source that wishes to send data without checksums", () => {
  test("is let, and its data lands", async () => {
    const on = createSessionUnderTest();
    const source = on.greet(wish);
    expect(await source.heard("welcome")).toMatchObject({ features: [UNCHECKED_DATA] });
    source.put(encodeData(extent, data, "unchecked"));
    await commit(source, 1);
    expect(await on.session.ended).toMatchObject({ checksums: false, covered: SIZE });
    expect((await on.content(GRANULE, GRANULE)).equals(data)).toBe(true);
  });

  test("is let beside what else it asks for, and nothing that nobody knows", async () => {
    const on = createSessionUnderTest({ targets: { handOver: async () => {} } });
    const source = on.greet({ features: ["time-travel", UNCHECKED_DATA, HAND_OVER] });
    expect(await source.heard("welcome")).toMatchObject({ features: [HAND_OVER, UNCHECKED_DATA] });
  });

  test("and sends one all the same is cut before that is written", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect(wish);
    source.put(encodeData(extent, data));
    const why = "a data frame has a checksum, and it was agreed that none has";
    expect(await source.taking).toMatchObject({ how: "cut", why: expect.stringContaining(why) });
    expect((await on.content()).every((byte) => byte === GARBAGE)).toBe(true);
  });

  test("has a checksum of every header", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect(wish);
    const [header, payload] = encodeData(extent, data, "unchecked");
    header![15]! ^= 1; // its offset
    source.put([header!, payload!]);
    expect(await source.taking).toMatchObject({ how: "cut", why: expect.stringContaining("header") });
    expect((await on.content()).every((byte) => byte === GARBAGE)).toBe(true);
  });
});

describe("a source that does not", () => {
  test("has every byte of its data checked", async () => {
    const on = createSessionUnderTest();
    const source = on.greet();
    expect(await source.heard("welcome")).toMatchObject({ features: [] });
    source.put(encodeData(extent, data, "unchecked"));
    expect(await source.taking).toMatchObject({
      how: "cut",
      why: expect.stringContaining("not the one that was sent"),
    });
    expect((await on.content()).every((byte) => byte === GARBAGE)).toBe(true);
  });

  test("is told by the result that it had checksums", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect();
    source.put(encodeData(extent, data));
    await commit(source, 1);
    expect(await on.session.ended).toMatchObject({ checksums: true });
  });
});

test.each([
  ["with", "without", {}, wish],
  ["without", "with", wish, {}],
] as const)("each connection agrees anew: one %s checksums, the next %s", async (_one, _next, first, then) => {
  const on = createSessionUnderTest();
  const encode = (said: object) => encodeData(extent, data, ...(said === wish ? (["unchecked"] as const) : []));
  const source = await on.connect(first);
  source.put(encode(first));
  await source.acked(1);
  source.cut();
  expect(await source.taking).toMatchObject({ how: "cut" });
  const again = await on.connect(then);
  again.put(encode(then));
  await commit(again, 1);
  expect(await on.session.ended).toMatchObject({ checksums: false, covered: SIZE });
});
