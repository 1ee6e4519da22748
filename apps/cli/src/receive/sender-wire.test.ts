import { memoryPair } from "@blkmig/transport/memory";
import { expect, it } from "vitest";

import { createSenderWire } from "./sender-wire.ts";

const NOTHING = { is: "sender", speaks: "classic", first: new Uint8Array() } as const;
const LONG_MS = 60_000;

it("gives what was read to recognise it once more, then the rest", async () => {
  const [sender, connection] = memoryPair();
  const wire = createSenderWire(connection, { ...NOTHING, first: Uint8Array.of(1, 2, 3) }, true);
  void sender.send([Uint8Array.of(4)]);
  const read: number[] = [];
  for (const room of [2, 2, 2]) {
    const into = new Uint8Array(room);
    read.push(...into.subarray(0, await wire.read(into)));
  }
  expect(read).toEqual([1, 2, 3, 4]);
});

it("parts only when the sender has said all, also after a load that left its read behind", async () => {
  const [sender, connection] = memoryPair();
  const wire = createSenderWire(connection, NOTHING, true);
  const left = wire.read(new Uint8Array(1));
  const parting = wire.part(LONG_MS);
  // A memory wire takes no byte before it is read: a receiver that had gone would make these throw.
  await sender.send([new Uint8Array(1_000_000)]);
  await sender.finish();
  await parting;
  expect(await left).toBe(1);
});

it("parts from a sender that neither speaks nor closes", async () => {
  const [sender, connection] = memoryPair();
  await createSenderWire(connection, NOTHING, true).part(10);
  await expect(sender.send([Uint8Array.of(1)])).rejects.toThrow("went away");
});

it("does not wait where nobody can be answered", async () => {
  const [sender, connection] = memoryPair();
  const wire = createSenderWire(connection, NOTHING, false);
  expect(wire.send).toBeUndefined();
  await wire.part(LONG_MS);
  await expect(sender.finish()).rejects.toThrow("went away");
});
