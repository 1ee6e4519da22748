import { expect, it } from "vitest";

import { FakeQemu } from "./live-fake-qemu.test-kit.ts";
import { createTurns } from "./live-turns.ts";
import { createMarks } from "./marks.ts";
import { createQemuGuest } from "./qemu-guest.ts";

const MARK = "n0:blkmig.m.mark.stopped";

function guestOf(qemu = new FakeQemu()) {
  const marks = createMarks(qemu, "m", "n0");
  return { qemu, guest: createQemuGuest({ qmp: qemu, marks, stopInTurn: createTurns() }) };
}

/** Throws this at each of these commands. */
const failing =
  (qemu: FakeQemu, code: "refused" | "timeout", ...commands: readonly string[]) =>
  (command: string): void => {
    if (commands.includes(command)) throw qemu.error(code);
  };

it("marks that it stops the guest before it does, and takes that back after it goes on", async () => {
  const { qemu, guest } = guestOf();
  const seen: string[] = [];
  qemu.before = (command) => {
    if (command === "stop" || command === "cont") seen.push(`${command}: ${qemu.names().join()}`);
  };
  await guest.pause();
  await guest.resume();
  expect(seen).toEqual([`stop: ${MARK}`, `cont: ${MARK}`]);
  expect([qemu.names(), qemu.status]).toEqual([[], "running"]);
});

it("takes the mark back when QEMU refuses to stop", async () => {
  const { qemu, guest } = guestOf();
  qemu.before = failing(qemu, "refused", "stop");
  await expect(guest.pause()).rejects.toMatchObject({ code: "refused" });
  expect([guest.stopped, qemu.names(), qemu.asked.includes("cont")]).toEqual([false, [], false]);
});

it("lets the guest go on when the stop timed out, for it may have come", async () => {
  const { qemu, guest } = guestOf();
  qemu.after = failing(qemu, "timeout", "stop");
  await expect(guest.pause()).rejects.toMatchObject({ code: "timeout" });
  expect([guest.stopped, qemu.status, qemu.names()]).toEqual([false, "running", []]);
});

it("leaves the mark where it cannot be known whether the guest is stopped", async () => {
  const { qemu, guest } = guestOf();
  qemu.after = failing(qemu, "timeout", "stop");
  qemu.before = failing(qemu, "timeout", "cont");
  await expect(guest.pause()).rejects.toMatchObject({ code: "timeout" });
  expect([qemu.status, qemu.names()]).toEqual(["paused", [MARK]]);
  qemu.before = () => {};
  await guest.resume();
  expect([qemu.status, qemu.names()]).toEqual(["running", []]);
});

it("does not hold a guest whose stop still waited for its turn when the monitor went", async () => {
  const qemu = new FakeQemu();
  const inTurn = createTurns();
  const pass = Promise.withResolvers<void>();
  void inTurn(async () => pass.promise);
  const guest = createQemuGuest({ qmp: qemu, marks: createMarks(qemu, "m", "n0"), stopInTurn: inTurn });
  const pausing = guest.pause();
  await expect.poll(() => qemu.names()).toEqual([MARK]);
  qemu.close();
  pass.resolve();
  await expect(pausing).rejects.toMatchObject({ code: "gone" });
  await guest.resume(); // that it throws would say that the guest is lost
  expect([guest.stopped, qemu.status, qemu.asked.includes("stop")]).toEqual([false, "running", false]);
});

it("still holds a guest that could not be resumed", async () => {
  const { qemu, guest } = guestOf();
  await guest.pause();
  qemu.before = failing(qemu, "refused", "cont");
  await expect(guest.resume()).rejects.toMatchObject({ code: "refused" });
  expect([guest.stopped, qemu.names()]).toEqual([true, [MARK]]);
});

it("does not claim a guest that somebody else was faster to stop", async () => {
  const { qemu, guest } = guestOf();
  qemu.before = (command) => {
    if (command === "stop") qemu.status = "paused";
  };
  await guest.pause();
  await guest.resume();
  expect([guest.stopped, qemu.names(), qemu.asked.includes("cont")]).toEqual([false, [], false]);
});

it("refuses a guest that sleeps and does not stop, for it wakes by itself", async () => {
  const { qemu, guest } = guestOf();
  qemu.status = "suspended";
  await expect(guest.pause()).rejects.toMatchObject({ code: "not-supported" });
  expect(qemu.names()).toEqual([]);
  await expect(guest.assertStopped()).rejects.toMatchObject({ code: "changed" });
});

it("fails when somebody resumes the guest while it is being stopped", async () => {
  const { qemu, guest } = guestOf();
  qemu.after = (command) => {
    if (command !== "stop") return;
    qemu.status = "running";
    qemu.emit("RESUME");
  };
  await expect(guest.pause()).rejects.toMatchObject({ code: "changed" });
  expect([guest.stopped, qemu.names(), qemu.asked.includes("cont")]).toEqual([false, [], false]);
});

it("knows after a new pause that nobody has resumed since", async () => {
  const { qemu, guest } = guestOf();
  await guest.pause();
  await qemu.execute("cont");
  await expect(guest.assertStopped()).rejects.toMatchObject({ code: "changed" });
  await guest.pause();
  await guest.assertStopped();
  expect(guest.stopped).toBe(true);
});

it("resumes after a pause that is still under way, not beside it", async () => {
  const { qemu, guest } = guestOf();
  await Promise.all([guest.pause(), guest.resume()]);
  expect([guest.stopped, qemu.status, qemu.names()]).toEqual([false, "running", []]);
});

it("adopts what a run before it has stopped, whatever disk carries the mark", async () => {
  const qemu = new FakeQemu();
  await createMarks(qemu, "m", "n1").add({ is: "mark", mark: "stopped" });
  await qemu.execute("stop");
  const { guest } = guestOf(qemu);
  await guest.adopt();
  await guest.pause();
  expect([guest.stopped, qemu.names()]).toEqual([true, ["n1:blkmig.m.mark.stopped"]]);
  await guest.resume();
  expect([qemu.status, qemu.names()]).toEqual(["running", []]);
});

it("is not taken for stopped once somebody has resumed it, though it was stopped again", async () => {
  const { qemu, guest } = guestOf();
  await guest.pause();
  await guest.assertStopped();
  await qemu.execute("cont");
  await qemu.execute("stop");
  expect(guest.stopped).toBe(false);
  await expect(guest.assertStopped()).rejects.toMatchObject({ code: "changed" });
});
