import { expect, it } from "vitest";

import { createBitmapTracker } from "./bitmap-tracker.ts";
import { DISK_BYTES, FakeQemu, GRANULE } from "./live-fake-qemu.test-kit.ts";
import { createTurns } from "./live-turns.ts";

async function started(before: (qemu: FakeQemu) => void = () => {}) {
  const qemu = new FakeQemu();
  before(qemu);
  const disks = ["n0", "n1"].map((node) => ({ node, name: node, size: DISK_BYTES }));
  const { readPasses } = qemu;
  const tracker = createBitmapTracker({
    qmp: qemu,
    migration: "m",
    disks,
    granularity: GRANULE,
    readPasses,
    inTurn: createTurns(),
  });
  const starting = tracker.start();
  await starting.catch(() => {});
  const synced = async () =>
    (await tracker.sync()).map((set) =>
      [...set.runs()].flatMap(({ offset, length }) =>
        Array.from({ length: length / GRANULE }, (_, index) => offset / GRANULE + index),
      ),
    );
  return { qemu, tracker, synced, starting };
}

/** Once, when that command comes. */
function once(command: string, act: () => void): (asked: string) => void {
  let isOver = false;
  return (asked) => {
    if (asked !== command || isOver) return;
    isOver = true;
    act();
  };
}

it("misses no write, though the guest writes between any two actions of the exchange", async () => {
  const { qemu, synced } = await started();
  let granule = 0;
  const written: number[] = [];
  qemu.meanwhile = () => {
    for (const node of ["n0", "n1"]) qemu.write(node, granule * GRANULE);
    written.push(granule++);
  };
  qemu.write("n0", 15 * GRANULE);
  const first = await synced();
  qemu.meanwhile = () => {};
  const second = await synced();
  for (const disk of [0, 1]) {
    const said = new Set([...first[disk]!, ...second[disk]!]);
    expect(written.filter((each) => !said.has(each))).toEqual([]);
  }
  expect(written.length).toBe(4);
});

it("asks nothing more while nothing is written", async () => {
  const { qemu, synced } = await started();
  qemu.asked.length = 0;
  expect(await synced()).toEqual([[], []]);
  expect(qemu.asked).toEqual(["query-named-block-nodes"]);
});

it("says all disks' writes, and none twice", async () => {
  const { qemu, synced } = await started();
  qemu.write("n1", 3 * GRANULE);
  expect(await synced()).toEqual([[], [3]]);
  qemu.write("n0", 5 * GRANULE);
  qemu.write("n1", 4 * GRANULE);
  expect(await synced()).toEqual([[5], [4]]);
  expect(await synced()).toEqual([[], []]);
  expect(qemu.bitmaps.map(({ recording }) => recording)).toEqual([true, true]);
});

it("leaves what it could not read in QEMU, and says it the next time", async () => {
  const { qemu, synced } = await started();
  qemu.write("n0", 0);
  qemu.before = once("read", () => {
    throw qemu.error("timeout");
  });
  await expect(synced()).rejects.toMatchObject({ code: "timeout" });
  qemu.write("n0", GRANULE);
  expect(await synced()).toEqual([[0, 1], []]);
});

it("keeps what it has read and not said when a bitmap cannot be removed", async () => {
  const { qemu, synced, tracker } = await started();
  qemu.write("n1", 0);
  qemu.after = once("block-dirty-bitmap-remove", () => {
    throw qemu.error("timeout"); // and yet it is gone
  });
  await expect(synced()).rejects.toMatchObject({ code: "timeout" });
  await expect(tracker.assertAllSaid()).rejects.toMatchObject({ code: "changed" });
  expect(await synced()).toEqual([[], [0]]);
  await tracker.assertAllSaid();
});

it("loses nothing when the exchange is carried out after it timed out", async () => {
  const { qemu, synced } = await started();
  qemu.write("n0", 0);
  qemu.after = once("transaction", () => {
    throw qemu.error("timeout");
  });
  await expect(synced()).rejects.toMatchObject({ code: "timeout" });
  qemu.write("n0", GRANULE);
  expect(await synced()).toEqual([[0, 1], []]);
});

it("says that it knows nothing when a bitmap has gone", async () => {
  const { qemu, synced, tracker } = await started();
  qemu.bitmaps = qemu.bitmaps.filter(({ node }) => node === "n0");
  await expect(synced()).rejects.toMatchObject({ code: "changed", message: expect.stringMatching(/disk 'n1'/u) });
  await expect(tracker.assertAllSaid()).rejects.toMatchObject({ code: "changed" });
});

it("removes what a start that timed out has left", async () => {
  const { qemu, tracker, starting } = await started((fresh) => {
    fresh.after = once("transaction", () => {
      throw fresh.error("timeout");
    });
  });
  await expect(starting).rejects.toMatchObject({ code: "timeout" });
  await expect(tracker.sync()).rejects.toThrow(TypeError);
  expect(qemu.bitmaps.length).toBe(2);
  await tracker.stop();
  expect(qemu.bitmaps).toEqual([]);
  qemu.asked.length = 0;
  await tracker.stop();
  expect(qemu.asked).toEqual([]);
  await tracker.start();
  expect(qemu.names()).toEqual(["n0:blkmig.m.writes.1", "n1:blkmig.m.writes.1"]);
});

it("removes as much as it can, and tries the rest again", async () => {
  const { qemu, tracker } = await started();
  qemu.before = once("block-dirty-bitmap-remove", () => {
    throw qemu.error("refused");
  });
  await expect(tracker.stop()).rejects.toMatchObject({ code: "refused" });
  expect(qemu.names()).toEqual(["n0:blkmig.m.writes.0"]);
  await tracker.stop();
  expect(qemu.names()).toEqual([]);
});
