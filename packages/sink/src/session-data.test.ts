import { createHash } from "node:crypto";

import { type BlockDevice, createMemoryDevice } from "@blkmig/device";
import { encodeAnswer, encodeData, encodeHash, encodeHole, encodeSessionPing, type Segments } from "@blkmig/protocol";
import { createRandom } from "@blkmig/testkit";
import { describe, expect, test } from "vitest";

import {
  type Connected,
  createGate,
  createSessionUnderTest,
  GARBAGE,
  GRANULE,
  KiB,
  MiB,
} from "./session-under-test.test-kit.ts";

const SIZE = 4 * MiB;
const at = (offset: number, length: number) => ({ disk: 0, offset, length });
const data = (offset: number, length: number, fill: number): Segments =>
  encodeData(at(offset, length), Buffer.alloc(length, fill));
const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();
const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};
/** Flushes, and so waits until all that was sent has landed. */
async function flushed(source: Connected, serial = 1): Promise<void> {
  source.say({ say: "flush", serial });
  await source.heard("flushed");
}

describe("data and holes", () => {
  test("whatever comes, however it is split, the last one on each byte wins", async () => {
    for (let seed = 0; seed < 12; seed++) {
      const random = createRandom(seed);
      const late = async (): Promise<void> => turns(random.int(5));
      const on = createSessionUnderTest({
        before: (device) => ({
          ...device,
          async *extents(offset, length) {
            await late();
            yield* device.extents(offset, length);
          },
          write: async (offset, bytes) => {
            await late();
            await device.write(offset, bytes);
            await late();
          },
          zero: async (offset, length) => {
            await late();
            await device.zero(offset, length);
          },
        }),
      });
      const source = await on.connect({}, 1 + random.int(200_000));
      const expected = Buffer.alloc(SIZE, GARBAGE);
      for (let frame = 0; frame < 60; frame++) {
        const offset = random.int(SIZE - 1);
        const length = 1 + random.int(Math.min(SIZE - offset, random.int(4) === 0 ? MiB : 3000));
        const fill = random.int(3) === 0 ? 0 : 1 + random.int(255);
        source.put(fill === 0 ? encodeHole(at(offset, length)) : data(offset, length, fill));
        expected.fill(fill, offset, offset + length);
      }
      await flushed(source);
      expect((await on.content()).equals(expected), `seed ${seed}`).toBe(true);
    }
  });

  test("acknowledgements never name a frame behind one that has not landed", async () => {
    const first = createGate();
    const on = createSessionUnderTest({
      before: (device) => ({
        ...device,
        write: async (offset, bytes) => {
          if (offset === 0) await first.passed;
          await device.write(offset, bytes);
        },
      }),
    });
    const source = await on.connect();
    source.put(data(0, 512, 1));
    source.put(data(4096, 512, 2));
    source.put(data(8192, 512, 3));
    await turns();
    source.put(encodeSessionPing(1));
    expect(await source.hear()).toMatchObject({ type: "pong" }); // and no acknowledgement before it
    first.pass();
    await source.acked(3);
  });

  test("are joined while one is on its way: a slow way back is not flooded", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect();
    const { wire } = source;
    wire.hold();
    for (let sector = 0; sector < 500; sector++) source.put(data(sector * 512, 512, 1));
    await turns(200);
    wire.letGo();
    await turns();
    source.closeBack();
    const acks = (await source.rest()).filter(({ type }) => type === "ack");
    expect(acks.length).toBeLessThanOrEqual(2);
    expect(acks.at(-1)).toMatchObject({ written: 500 });
  });

  test("are durable only when a flush that began after them has ended; frames go on landing meanwhile", async () => {
    const flushing = createGate();
    const on = createSessionUnderTest({
      before: (device) => ({
        ...device,
        flush: async () => {
          await flushing.passed;
          await device.flush();
        },
      }),
    });
    const source = await on.connect();
    source.put(data(0, GRANULE, 1));
    await source.acked(1);
    source.say({ say: "flush", serial: 5 });
    await turns();
    source.put(data(GRANULE, GRANULE, 2));
    await source.acked(2);
    flushing.pass();
    const ack = await source.hear();
    expect(ack).toMatchObject({ type: "ack", written: 2, durable: 1 });
    expect(await source.heard("flushed")).toMatchObject({ serial: 5 });
    // The second frame may not be in that flush, so it is not recorded as held.
    expect(on.steps.filter((step) => step.startsWith("held"))).toEqual(["held 0+64"]);
  });

  test("one flush at a time, however many are asked for", async () => {
    const flushing = createGate();
    let begun = 0;
    const on = createSessionUnderTest({
      before: (device) => ({
        ...device,
        flush: async () => {
          begun++;
          await flushing.passed;
        },
      }),
    });
    const source = await on.connect();
    for (let serial = 0; serial < 50; serial++) source.say({ say: "flush", serial });
    await turns(40);
    expect(begun).toBe(1);
    flushing.pass();
    for (let serial = 0; serial < 50; serial++) expect((await source.heard("flushed")).serial).toBe(serial);
  });

  test("a hole of terabytes is asked for in pieces, costs no memory, and can be left", async () => {
    const size = 3 * 1024 * 1024 * MiB;
    let pieces = 0;
    let largest = 0;
    const controller = new AbortController();
    const disk: BlockDevice = {
      ...createMemoryDevice({ size: MiB }),
      size,
      async *extents(offset, length) {
        yield { offset, length, zero: false, allocated: true };
      },
      zero: async (_, length) => {
        await new Promise(setImmediate);
        largest = Math.max(largest, length);
        if (++pieces === 5) controller.abort();
      },
    };
    const on = createSessionUnderTest({ size: 512, signal: controller.signal, before: () => disk });
    const source = await on.connect({ disks: [{ name: "vda", size, granularity: GRANULE }] });
    source.put(encodeHole(at(0, size)));
    expect((await on.failure()).code).toBe("cancelled");
    expect(pieces).toBeLessThan(8);
    expect(largest).toBeLessThanOrEqual(256 * MiB);
    expect(on.session.progress().covered).toBe(0);
  });

  test("small payloads do not cost a large buffer each, and a slow disk holds the wire back", async () => {
    const landed = createGate();
    let under = 0;
    let most = 0;
    const on = createSessionUnderTest({
      limits: { bufferedBytes: 4 * MiB },
      before: (device) => ({
        ...device,
        write: async (offset, bytes) => {
          most = Math.max(most, ++under);
          await landed.passed;
          await device.write(offset, bytes);
          under--;
        },
      }),
    });
    const source = await on.connect();
    for (let block = 0; block < 4; block++) source.put(data(block * MiB, MiB, 1));
    await turns(200);
    expect(most).toBe(2); // 11/16 of 4 MiB
    landed.pass();
    await source.acked(4);
    const again = createSessionUnderTest({ limits: { bufferedBytes: 4 * MiB } });
    const small = await again.connect();
    for (let sector = 0; sector < 200; sector++) small.put(data(sector * 512, 512, sector));
    await small.acked(200);
  });
});

describe("hashes", () => {
  const found = (held: readonly (readonly [number, number])[]) => ({
    targets: {
      found: {
        state: "open" as const,
        attempt: 0,
        held: [held.map(([offset, length]) => ({ offset, length }))],
      },
    },
  });
  const garbage = sha256(Buffer.alloc(GRANULE, GARBAGE));

  test("what is held and equal is covered, and need not be sent", async () => {
    const on = createSessionUnderTest(found([[0, 2 * GRANULE]]));
    const source = on.greet({ resume: true });
    expect((await source.heard("welcome")).held).toEqual([[[0, 2 * GRANULE]]]);
    expect(on.session.progress().covered).toBe(0);
    source.put(encodeHash(at(0, GRANULE), garbage));
    expect(await source.next("answer")).toMatchObject({ ...at(0, GRANULE), equal: true });
    source.put(encodeHash(at(GRANULE, GRANULE), sha256(Buffer.alloc(GRANULE, 1))));
    expect(await source.next("answer")).toMatchObject({ ...at(GRANULE, GRANULE), equal: false });
    expect(on.session.progress().disks[0]).toMatchObject({ covered: GRANULE, equalBytes: GRANULE, dataBytes: 0 });
    expect(on.steps).toEqual([]); // nothing was written, so nothing is marked
  });

  test("of what nobody spoke of is answered by the end of the connection: it would tell old data", async () => {
    for (const [offset, length] of [
      [2 * GRANULE, GRANULE],
      [GRANULE, 2 * GRANULE],
      [2 * GRANULE, 1],
    ] as const) {
      const on = createSessionUnderTest(found([[0, 2 * GRANULE]]));
      const source = await on.connect();
      source.put(encodeHash(at(offset, length), sha256(Buffer.alloc(length, GARBAGE))));
      expect(await source.taking).toMatchObject({ how: "cut" });
      source.closeBack();
      expect((await source.rest()).filter(({ type }) => type === "answer")).toEqual([]);
    }
  });

  test("wait for the writes in front of them, and are answered in the order in which they were asked", async () => {
    const on = createSessionUnderTest({
      before: (device) => ({
        ...device,
        read: async (offset, into) => {
          if (offset === 0) await turns(30); // the first is read last
          await device.read(offset, into);
        },
        write: async (offset, bytes) => {
          await turns(10);
          await device.write(offset, bytes);
        },
      }),
    });
    const source = await on.connect();
    for (let granule = 0; granule < 3; granule++) {
      source.put(data(granule * GRANULE, GRANULE, granule + 1));
      source.put(encodeHash(at(granule * GRANULE, GRANULE), sha256(Buffer.alloc(GRANULE, granule + 1))));
    }
    for (let granule = 0; granule < 3; granule++) {
      expect(await source.next("answer")).toMatchObject({ offset: granule * GRANULE, equal: true });
    }
  });

  test("zeroes are told without a digest, and from any length", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect();
    source.put(encodeHole(at(0, 2 * MiB)));
    source.put(data(2 * MiB, MiB, 0));
    source.put(encodeHole(at(3 * MiB, MiB)));
    source.put(encodeHash(at(0, SIZE), "zero"));
    expect(await source.next("answer")).toMatchObject({ equal: true, length: SIZE });
    for (const one of [SIZE - 1, 2 * MiB, 2 * MiB + 100_000]) {
      source.put(data(one, 1, 1));
      source.put(encodeHash(at(0, SIZE), "zero"));
      expect(await source.next("answer")).toMatchObject({ equal: false });
      source.put(data(one, 1, 0));
    }
    source.put(encodeHash(at(2 * MiB, MiB), sha256(Buffer.alloc(MiB))));
    expect(await source.next("answer")).toMatchObject({ equal: true });
  });

  test("a write un-verifies its granule, and hashing it again verifies it", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect();
    source.put(encodeHole(at(0, SIZE)));
    source.put(encodeHash(at(0, SIZE), "zero"));
    await source.next("answer");
    source.put(data(MiB + 5, 10, 7));
    source.say({ say: "seal", attempt: 1, frames: 2, verified: true });
    expect((await source.heard("failed")).message).toContain("not");

    const again = createSessionUnderTest();
    const second = await again.connect();
    second.put(encodeHole(at(0, SIZE)));
    second.put(encodeHash(at(0, SIZE), "zero"));
    second.put(data(MiB, GRANULE, 7));
    second.put(encodeHash(at(MiB, GRANULE), sha256(Buffer.alloc(GRANULE, 7))));
    await second.next("answer");
    await second.next("answer");
    second.say({ say: "seal", attempt: 1, frames: 2, verified: true });
    await second.heard("sealed");
    second.say({ say: "commit", attempt: 1 });
    await second.heard("committed");
    second.say({ say: "done", attempt: 1 });
    expect(await again.session.ended).toMatchObject({ verified: true });
  });

  test("hints stay recorded until they are settled: a second crash does not forget them", async () => {
    const on = createSessionUnderTest(found([[3 * MiB, MiB]]));
    const source = await on.connect();
    source.put(data(0, GRANULE, 1));
    await flushed(source);
    expect(on.steps.at(-1)).toBe("held 0+64,3072+1024");
  });

  test("a flood of them is bounded: who reads no answer is not read either", async () => {
    let reads = 0;
    const on = createSessionUnderTest({
      before: (device) => ({
        ...device,
        read: async (offset, into) => {
          reads++;
          await device.read(offset, into);
        },
      }),
    });
    const source = await on.connect();
    source.put(encodeHole(at(0, GRANULE)));
    source.put(data(0, 512, 1));
    await source.acked(2);
    const { wire } = source;
    wire.hold();
    for (let i = 0; i < 2000; i++) source.put(encodeHash(at(0, 512), garbage));
    await turns(400);
    expect(reads).toBeLessThan(300);
    wire.letGo();
    for (let i = 0; i < 2000; i++) await source.next("answer");
  });

  test("nor does a flood of PINGs cost more than a few answers", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect();
    const { wire } = source;
    wire.hold();
    for (let i = 0; i < 5000; i++) source.put(encodeSessionPing(i));
    const before = on.session.progress().transferred;
    await turns(400);
    expect(on.session.progress().transferred - before).toBeLessThan(5000 * 32);
    wire.letGo();
    for (let i = 0; i < 5000; i++) expect((await source.next("pong")).value).toBe(i);
  });
});

describe("hostile peers", () => {
  test("a flipped bit is never written, wherever it is; the connection ends, and the session lives", async () => {
    const frame = Buffer.concat([...data(GRANULE, 2000, 0x55)]);
    for (let flip = 0; flip < frame.length; flip += flip < 32 ? 1 : 97) {
      const on = createSessionUnderTest();
      const source = await on.connect();
      const bent = Buffer.from(frame);
      bent[flip]! ^= 1 << (flip % 8);
      source.put([bent]);
      source.finish();
      expect(await source.taking, `byte ${flip}`).toMatchObject({ how: "cut" });
      expect((await on.content()).every((byte) => byte === GARBAGE)).toBe(true);
      const again = await on.connect();
      again.put([frame]);
      await again.acked(1);
    }
  });

  test("frames outside the disk, or of no disk, cost nothing and write nothing", async () => {
    for (const frame of [
      data(SIZE, 1, 1),
      data(SIZE - 1, 2, 1),
      data(Number.MAX_SAFE_INTEGER - 512, 512, 1),
      encodeHole(at(0, SIZE + 1)),
      encodeHole(at(SIZE, Number.MAX_SAFE_INTEGER - SIZE)),
      encodeHash(at(SIZE, 1), "zero"),
      encodeData({ disk: 1, offset: 0, length: 1 }, Buffer.alloc(1)),
      encodeHole({ disk: 65535, offset: 0, length: 1 }),
    ]) {
      const on = createSessionUnderTest();
      const source = await on.connect();
      source.put(frame);
      expect(await source.taking).toMatchObject({ how: "cut" });
      expect(on.steps).toEqual([]);
      expect((await on.content()).every((byte) => byte === GARBAGE)).toBe(true);
    }
  });

  test("what is the sink's to say is not the source's", async () => {
    for (const send of [
      (source: Connected) => source.put(encodeAnswer(at(0, 512), true)),
      (source: Connected) => source.say({ say: "committed", attempt: 1 }),
      (source: Connected) => source.say({ say: "sealed", attempt: 1 }),
      (source: Connected) => source.say({ say: "commit", attempt: 1 }),
      (source: Connected) => source.say({ say: "done", attempt: 1 }),
    ]) {
      const on = createSessionUnderTest();
      const source = await on.connect();
      send(source);
      expect(await source.taking).toMatchObject({ how: "cut" });
      expect(on.session.state).toBe("open");
    }
  });

  test("an offer of huge disks costs less than a megabyte", async () => {
    const disks = Array.from({ length: 256 }, (_, index) => ({
      name: `${index}`.padEnd(255, "x"),
      size: 2 ** 52,
      granularity: 4096,
    }));
    const before = process.memoryUsage();
    const on = createSessionUnderTest({
      targets: {
        devices: disks.map(({ name, size }) => ({ ...createMemoryDevice({ name, size: 512 }), size })),
      },
    });
    const source = on.greet({ disks });
    expect((await source.heard("welcome")).held).toHaveLength(256);
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(MiB);
  });

  test("a HELLO that is no HELLO, of a length that nobody sends, is refused before it costs anything", async () => {
    const on = createSessionUnderTest();
    const source = on.dial();
    source.open();
    source.put([Buffer.from("0600000010000000", "hex"), Buffer.alloc(24)]);
    expect(await source.taking).toMatchObject({ how: "turned-away", code: "protocol" });
    expect(on.session.progress().transferred).toBeLessThan(64 * KiB);
  });
});
