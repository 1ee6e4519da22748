import { readFileSync } from "node:fs";

import { createRandom } from "@blkmig/testkit";
import { expect, it } from "vitest";

import { MIB, sameFiles } from "./make-disks.test-kit.ts";
import type { Watch, Way } from "./relay.test-kit.ts";
import { createMove } from "./session-move.test-kit.ts";

const SEEDS = 30;
const SIZE = 3 * MIB + 512;

interface Flip {
  readonly way: Way;
  /** Bytes behind the first of this way. */
  readonly byte: number;
  readonly bit: number;
}

/** Half of them in the messages at either end of the stream, where there is little data to hit. */
function planFlip(seed: number): Flip {
  const random = createRandom(500 + seed);
  const way = random.pick(["there", "there", "back"] as const);
  const most = way === "back" ? 600 : random.pick([400, 2 * MIB]);
  return { way, byte: random.int(most), bit: random.int(8) };
}

function flipOnce({ way, byte, bit }: Flip): { readonly watch: Watch; readonly done: () => boolean } {
  let isDone = false;
  const watch: Watch = (from, chunk, at) => {
    const place = byte - at;
    if (from === way && place >= 0 && place < chunk.length) {
      chunk[place]! ^= 1 << bit;
      isDone = true;
    }
    return [chunk];
  };
  return { watch, done: () => isDone };
}

it.each(Array.from({ length: SEEDS }, (_, seed) => [seed, planFlip(seed)] as const))(
  "seed %i, one bit is flipped, %j: it completes all the same, or is refused; no damage lands",
  async (seed, flip) => {
    const { watch, done } = flipOnce(flip);
    const options = seed % 2 === 0 ? ["--no-verify"] : []; // nothing that is read back makes up for a checksum
    const move = await createMove({ wire: "tcp", target: "garbage", size: SIZE, seed, options, watch });
    const receiver = await move.receive();
    const sent = await move.send().ended;
    expect(done()).toBe(true);
    if (sent.code === 0) {
      expect((await receiver.ended).code).toBe(0);
      expect(sameFiles(move.source, move.target)).toBe(true);
    } else {
      expect([1, 3]).toContain(sent.code);
      expect(sent.stderr).toMatch(/^blkmig: .+$/m);
      expect(move.records.now.target).toBe("none");
      expect(readFileSync(move.target).every((byte) => byte === 0xee)).toBe(true);
    }
    expect(move.records.wrongs).toEqual([]);
  },
);
