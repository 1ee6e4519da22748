import { describe, expect, it } from "vitest";

import { notInSchema } from "./event-schema.test-kit.ts";
import { end, startOwner } from "./live-hosts.test-kit.ts";
import { startCheckedGuest } from "./live/checked-writes.test-kit.ts";
import { makeDisk, makeGarbage, MIB } from "./make-disks.test-kit.ts";
import { runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { startServing } from "./serving.test-kit.ts";

const SIZE = 2 * MIB;
/**
 * 256 of the guest's writes a second, far less than it does on a machine however busy; the grain is as fine as they are, so that
 * slowing it down helps at once. A disk is twice what goes in a second, the limit: a guest that writes all over it leaves more.
 */
const NARROW = ["--max-bandwidth", "1M", "--downtime-limit", "1s"];

async function outrun(...more: readonly string[]) {
  const path = temporaryFolder();
  const [source, target] = [makeDisk(path("source"), SIZE), makeGarbage(path("target"), SIZE)];
  const served = await startServing({ disks: { a: source }, more: ["--granularity", "4K"] });
  const guest = startCheckedGuest(await served.dial("a"));
  const owner = await startOwner({ disks: { a: target } });
  await guest.more(50);
  const sending = startBlkmig(["send", owner.to, "--json", "--from", served.control, ...NARROW, ...more]);
  return { served, guest, owner, target, sending };
}

describe("a guest that writes faster than the wire is", () => {
  it.each([
    ["--throttle", ["throttle"]],
    ["--mirror", ["mirror"]],
  ])("converges with %s, which is told; nothing is lost, and it is forwarded", async (flag, steps) => {
    const { served, guest, owner, target, sending } = await outrun(flag);
    const sent = await sending.ended;
    const { code, events } = sent;
    expect([code, events.at(-1)]).toMatchObject([0, { event: "completed", after: "forward" }]);
    expect(notInSchema(sent)).toEqual([]);
    const told = events.filter(({ event }) => event === "converge").map(({ step }) => step);
    expect(told).toEqual(expect.arrayContaining(steps));
    await guest.more(200); // as fast as before: neither is left on
    await guest.stop();
    expect(guest.failure).toBeUndefined();
    expect([await end(served.running), await end(owner.running)]).toEqual([0, 0]);
    expect(guest.missingIn(target)).toEqual([]);
  });

  it("never converges without, until it is cancelled: then it goes on here", async () => {
    const { served, guest, sending } = await outrun();
    await sending.until(({ event, "dirty-sync-count": passes }) => event === "status" && Number(passes) > 1);
    expect(await runBlkmig(["cancel", "--control", served.control])).toMatchObject({ code: 0 });
    const { code, events } = await sending.ended;
    expect([code, events.filter(({ event }) => event === "converge")]).toEqual([130, []]);
    await guest.more(50);
    await guest.stop();
  });
});
