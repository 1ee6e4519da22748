import { expect, it } from "vitest";

import { removeExports } from "./export-removal.ts";
import { FakeQemu } from "./live-fake-qemu.test-kit.ts";
import { HandClock } from "./qmp-clock.test-kit.ts";

function qemuWith(...ids: readonly string[]): FakeQemu {
  const qemu = new FakeQemu();
  for (const id of ids) qemu.exports.set(id, { shuttingDown: false });
  return qemu;
}

/** From now on, so that nobody takes it for unhandled meanwhile. */
async function assertRejected(removing: Promise<number>, error: object): Promise<void> {
  await expect(removing).rejects.toMatchObject(error);
}

async function untilSleeping(clock: HandClock): Promise<void> {
  for (let turn = 0; clock.sleepers === 0 && turn < 1000; turn++) await Promise.resolve();
}

it("removes those that it is told to, and nobody else's", async () => {
  const qemu = qemuWith("blkmig.m.disk.0", "blkmig.m.pass.0.1", "blkmig.n.disk.0", "theirs");
  expect(await removeExports({ qmp: qemu, migration: "m" }, ({ is }) => is === "pass")).toBe(1);
  expect(await removeExports({ qmp: qemu, migration: "m" }, () => true)).toBe(1);
  expect([...qemu.exports.keys()]).toEqual(["blkmig.n.disk.0", "theirs"]);
});

it("only waits for one that is ending already", async () => {
  const qemu = qemuWith();
  qemu.exports.set("blkmig.m.disk.0", { shuttingDown: true });
  qemu.after = () => qemu.emit("BLOCK_EXPORT_DELETED", { id: "blkmig.m.disk.0" });
  expect(await removeExports({ qmp: qemu, migration: "m" }, () => true)).toBe(1);
  expect(qemu.asked).not.toContain("block-export-del");
});

it("waits half a minute for an export to end, and goes on with the others", async () => {
  const qemu = qemuWith("blkmig.m.disk.0", "blkmig.m.disk.1");
  const clock = new HandClock();
  qemu.saysDeleted = false;
  const removing = removeExports({ qmp: qemu, migration: "m", clock }, () => true);
  const failed = assertRejected(removing, {
    code: "timeout",
    message: expect.stringMatching(/'blkmig.m.disk.0' has not ended/u),
  });
  await untilSleeping(clock);
  qemu.saysDeleted = true;
  clock.pass(30_000);
  await failed;
  expect([...qemu.exports.keys()]).toEqual([]);
});

it("waits no longer when QEMU is gone", async () => {
  const qemu = qemuWith("blkmig.m.disk.0");
  const clock = new HandClock();
  qemu.saysDeleted = false;
  const removing = removeExports({ qmp: qemu, migration: "m", clock }, () => true);
  const failed = assertRejected(removing, { code: "gone" });
  await untilSleeping(clock);
  qemu.close();
  await failed;
});
