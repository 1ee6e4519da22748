import { createRandom } from "@blkmig/testkit";
import { memoryPair } from "@blkmig/transport/memory";
import { expect, test } from "vitest";

import { dangerousWire } from "./dangerous-wire.ts";

const wireWith = (flips: number, onFlip = (): void => {}) =>
  dangerousWire(memoryPair({ capacity: 1000 }), { random: createRandom(1), flips, onFlip });

/** Whether it has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const mark = (): void => void (settled = true);
  promise.then(mark, mark);
  await new Promise(setImmediate);
  return settled;
}

test("a wire that fell silent brings nothing more, and tells nobody that the other end has let go", async () => {
  const { near, far, goSilent } = wireWith(0);
  const into = new Uint8Array(10);
  const reading = far.read(into);
  goSilent();
  const sending = near.send([Uint8Array.of(1, 2, 3)]);
  near.destroy(new Error("gone"));
  await expect(sending).rejects.toThrow("gone");
  expect(await isSettled(reading)).toBe(false);
  expect(into).toEqual(new Uint8Array(10));
  far.destroy(new Error("timed out"));
  await expect(reading).rejects.toThrow("timed out");
});

test("one bit of a read arrives otherwise than it was sent", async () => {
  let flipped = 0;
  const { near, far } = wireWith(1, () => flipped++);
  await near.send([new Uint8Array(100)]);
  const into = new Uint8Array(100);
  expect(await far.read(into)).toBe(100);
  expect(flipped).toBe(1);
  expect(into.filter((byte) => byte !== 0)).toHaveLength(1);
});
