import { describe, expect, it } from "vitest";

import { end, startOwner, statusAt } from "./live-hosts.test-kit.ts";
import { startCheckedGuest } from "./live/checked-writes.test-kit.ts";
import { makeDisk, makeGarbage, MIB } from "./make-disks.test-kit.ts";
import { runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { startServing } from "./serving.test-kit.ts";

const SIZE = 8 * MIB;
/** What a name may have (all but "="): what means something in a URL, a path or a shell. */
const ODD = "a b%/c?d;e&f#g:é東京🚀+\"'";

describe("a disk that moves on from its new owner", () => {
  it.each(["vda", ODD])(
    "called %s, is forwarded along the whole chain, and so it is when the middle one is started again",
    async (name) => {
      const path = temporaryFolder();
      const [a, b, c] = [makeDisk(path("a"), SIZE), makeGarbage(path("b"), SIZE), makeGarbage(path("c"), SIZE)];
      const [middle, nbdOfB] = [path("control of b"), `nbd+unix:///?socket=${path("b.nbd")}`];
      const first = await startServing({ disks: { [name]: a } });
      const guest = startCheckedGuest(await first.dial(encodeURIComponent(name)));
      const second = await startOwner({ disks: { [name]: b }, nbd: nbdOfB, more: ["--control", middle] });
      await guest.more(30);
      expect(await runBlkmig(["send", second.to, "--from", first.control])).toMatchObject({ code: 0 });
      await guest.more(30);
      const third = await startOwner({ disks: { [name]: c } });
      expect(await runBlkmig(["send", third.to, "--from", middle, "--disk", name])).toMatchObject({ code: 0 });
      await guest.more(30);
      expect(await statusAt(first.control)).toMatchObject({ disks: [{ name, state: "forwarding" }] });
      expect(await statusAt(middle)).toMatchObject({ disks: [{ name, state: "forwarding" }] });
      second.running.process.kill("SIGKILL");
      await second.running.ended;
      const words = ["--disk", `${name}=${b}`, "--nbd", nbdOfB, "--control", middle];
      const again = startBlkmig(["serve", "--json", ...words]);
      await again.until(({ event }) => event === "serving");
      await guest.more(60);
      expect(await statusAt(first.control)).toMatchObject({ disks: [{ state: "forwarding" }] });
      expect(await statusAt(middle)).toMatchObject({ disks: [{ state: "forwarding" }] });
      await guest.stop();
      expect(guest.failure).toBeUndefined();
      expect([await end(first.running), await end(again), await end(third.running)]).toEqual([0, 0, 0]);
      expect(guest.missingIn(c)).toEqual([]);
    },
  );
});

describe("several disks", () => {
  it("move by their names, some now and some later, one of them read-only", async () => {
    const path = temporaryFolder();
    const names = ["vda", "vdb", ODD];
    const file = (at: number, where: string): string => path(`${where}${at}`);
    const sources = Object.fromEntries(names.map((name, at) => [name, makeDisk(file(at, "s"), SIZE, at + 1)]));
    const served = await startServing({ disks: sources });
    const guests = await Promise.all(
      names.map(async (name) => startCheckedGuest(await served.dial(encodeURIComponent(name)))),
    );
    const targets = names.map((_, at) => makeGarbage(file(at, "t"), SIZE));
    const now = await startOwner({ disks: { [names[2]!]: targets[2]!, [names[0]!]: targets[0]! } });
    await Promise.all(guests.map((guest) => guest.more(20)));
    const some = ["--disk", names[0]!, "--disk", names[2]!];
    expect(await runBlkmig(["send", now.to, "--from", served.control, ...some])).toMatchObject({ code: 0 });
    expect(await served.status()).toMatchObject({
      disks: [{ state: "forwarding" }, { state: "local" }, { state: "forwarding" }],
    });
    await Promise.all(guests.map((guest) => guest.more(20)));
    const later = await startOwner({ disks: { [names[1]!]: targets[1]! } });
    const rest = ["--disk", names[1]!];
    expect(await runBlkmig(["send", later.to, "--from", served.control, ...rest])).toMatchObject({ code: 0 });
    await Promise.all(guests.map((guest) => guest.more(20)));
    await Promise.all(guests.map((guest) => guest.stop()));
    expect([await end(served.running), await end(now.running), await end(later.running)]).toEqual([0, 0, 0]);
    for (const [at, guest] of guests.entries()) expect(guest.missingIn(targets[at]!)).toEqual([]);
  });

  it("that are served read-only are moved as they are, and read at their new owner", async () => {
    const path = temporaryFolder();
    const [a, target] = [makeDisk(path("a"), SIZE), makeGarbage(path("t"), SIZE)];
    const served = await startServing({ disks: { a }, more: ["--read-only"] });
    const client = await served.dial("a");
    const owner = await startOwner({ disks: { a: target } });
    const moved = await runBlkmig(["send", owner.to, "--from", served.control]);
    expect([moved.code, moved.stderr.split("\n").find((line) => line.startsWith("blkmig"))]).toEqual([0, undefined]);
    const [before, after] = [new Uint8Array(SIZE), new Uint8Array(SIZE)];
    await client.read(0, after);
    const own = await startServing({ disks: { a: makeDisk(path("b"), SIZE) }, more: ["--read-only"] });
    await (await own.dial("a")).read(0, before);
    expect(Buffer.from(after).equals(before)).toBe(true);
    expect(client.readOnly).toBe(true);
    expect([await end(served.running), await end(owner.running)]).toEqual([0, 0]);
  });
});
