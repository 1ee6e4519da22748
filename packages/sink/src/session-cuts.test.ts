import { encodeData, encodeHole } from "@blkmig/protocol";
import { createRandom, type SeededRandom } from "@blkmig/testkit";
import { expect, test } from "vitest";

import { type Connected, createSessionUnderTest, GRANULE, MiB } from "./session-under-test.test-kit.ts";

const SIZE = 2 * MiB;
const GRANULES = SIZE / GRANULE;

/** A source that believes acknowledgements and nothing else: what was not acknowledged is dirty again. */
function createSource(random: SeededRandom) {
  const disk = Buffer.alloc(SIZE, 1);
  const dirty = new Set(Array.from({ length: GRANULES }, (_, granule) => granule));

  /** The guest writes any bytes. */
  const write = (): void => {
    const offset = random.int(SIZE - 1);
    const end = Math.min(SIZE, offset + 1 + random.int(3 * GRANULE));
    disk.fill(random.int(3), offset, end);
    for (let granule = Math.floor(offset / GRANULE); granule * GRANULE < end; granule++) dirty.add(granule);
  };

  const send = (source: Connected, granule: number): void => {
    dirty.delete(granule); // before it is read
    const offset = granule * GRANULE;
    const bytes = disk.subarray(offset, offset + GRANULE);
    const extent = { disk: 0, offset, length: GRANULE };
    source.put(bytes.every((byte) => byte === 0) ? encodeHole(extent) : encodeData(extent, Buffer.from(bytes)));
  };

  return { disk, dirty, write, send };
}

test("however often it is cut, and wherever: what is committed is what the source had", async () => {
  for (let seed = 0; seed < 25; seed++) {
    const random = createRandom(seed);
    const late = async (): Promise<void> => {
      for (let turns = random.int(6); turns > 0; turns--) await new Promise(setImmediate);
    };
    const on = createSessionUnderTest({
      size: SIZE,
      before: (device) => ({
        ...device,
        write: async (offset, data) => {
          await late();
          await device.write(offset, data);
          await late();
        },
        zero: async (offset, length) => {
          await late();
          await device.zero(offset, length);
        },
      }),
    });
    const guest = createSource(random);

    const takesPart = async (source: Connected, cutAfter: number): Promise<"cut" | "sealed"> => {
      const sent: number[] = [];
      let acked = 0;
      for (let frame = 0; ; frame++) {
        const [granule] = [...guest.dirty].slice(random.int(guest.dirty.size || 1));
        if (granule === undefined || frame === cutAfter) break;
        // No granule twice at once: the rest waits for the acknowledgement.
        if (sent.slice(acked).includes(granule)) await source.acked((acked = sent.length));
        guest.send(source, granule);
        sent.push(granule);
        if (cutAfter < Infinity && random.int(3) === 0) guest.write();
      }
      if (cutAfter < Infinity) {
        await late();
        source.wire.destroy();
        for (const granule of sent.slice(acked)) guest.dirty.add(granule);
        return "cut";
      }
      source.say({ say: "seal", attempt: 1, frames: sent.length, verified: false });
      await source.heard("sealed");
      return "sealed";
    };

    for (let cuts = 1 + random.int(4); cuts > 0; cuts--) {
      const source = await on.connect({}, 1 + random.int(100_000));
      await takesPart(source, random.int(60));
      // A newer connection comes at once, while the older one's writes are still landing.
    }
    const last = await on.connect();
    await takesPart(last, Infinity);
    last.say({ say: "commit", attempt: 1 });
    await last.heard("committed");
    last.say({ say: "done", attempt: 1 });
    expect(await on.session.ended).toMatchObject({ covered: SIZE, told: true });
    expect((await on.content()).equals(guest.disk), `seed ${seed}`).toBe(true);
  }
});
