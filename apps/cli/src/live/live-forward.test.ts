import { readFileSync } from "node:fs";

import type { MigrationEvent } from "@blkmig/source";
import { expect, it } from "vitest";

import { haltAt } from "../halt.test-kit.ts";
import { MIB, sameFiles } from "../make-disks.test-kit.ts";
import { startCheckedGuest } from "./checked-writes.test-kit.ts";
import { hashOf, SESSION, startLivePair } from "./live-pair.test-kit.ts";

it("clients that write all along are passed on: no request fails, nothing is lost, and the old disk is left alone", async () => {
  const pair = await startLivePair();
  const guest = startCheckedGuest(await pair.client());
  await guest.more(200);
  const result = await pair.move();
  const left = hashOf(pair.source);
  await guest.more(500);
  await guest.stop();
  expect(guest.failure).toBeUndefined();
  expect(guest.missingIn(pair.target)).toEqual([]);
  expect(guest.missingIn(pair.source)).not.toEqual([]); // or the guest was never passed on
  expect(hashOf(pair.source)).toBe(left);
  expect(result).toMatchObject({ proved: true, after: "forward", migration: pair.receiver.session.migration });
  expect(result.downtime).toBeGreaterThan(0);
  const [disk] = pair.old.status().disks;
  expect(disk).toMatchObject({
    state: "forwarding",
    clients: [expect.any(String), expect.any(String), expect.any(String), expect.any(String)],
  });
  expect(sameFiles(pair.source, pair.target)).toBe(false);
});

it("a link that is cut again and again under load loses nothing, and keeps the order", async () => {
  const pair = await startLivePair();
  const guest = startCheckedGuest(await pair.client());
  await pair.move();
  for (let cuts = 0; cuts < 12; cuts++) {
    await guest.more(40);
    pair.link.cut();
  }
  await guest.more(40);
  await guest.stop();
  expect(guest.failure).toBeUndefined();
  expect(pair.link.connections).toBeGreaterThan(12);
  expect(guest.missingIn(pair.target)).toEqual([]);
});

it("a new owner that is away makes clients wait, and they go on when it is back: the old disk answers none of them", async () => {
  const pair = await startLivePair();
  const guest = startCheckedGuest(await pair.client());
  const { migration } = await pair.move();
  const left = hashOf(pair.source);
  await guest.more(50);
  await pair.restartOwner(migration);
  await guest.more(200);
  await guest.stop();
  expect(guest.failure).toBeUndefined();
  expect(guest.missingIn(pair.target)).toEqual([]);
  expect(hashOf(pair.source)).toBe(left);
});

it("a new owner whose host has restarted, with writes that were never flushed, fails its clients instead of deceiving them", async () => {
  const pair = await startLivePair({ ownerRuns: "anew" });
  const client = await pair.client();
  const { migration } = await pair.move();
  await client.write(0, [new Uint8Array(4096).fill(1)]);
  await pair.restartOwner(migration);
  await expect(client.read(0, new Uint8Array(4096))).rejects.toThrow(/EIO|hung up|connection|broke|input\/output/i);
  await expect
    .poll(() => pair.old.status().disks[0])
    .toMatchObject({
      state: "failed",
      why: expect.stringMatching(/host restarted/),
      clients: [],
    });
  await expect(pair.client()).rejects.toMatchObject({ code: "unknown-export" });
});

it("an old server that starts again passes on at once, or says where the owner is", async () => {
  const pair = await startLivePair();
  const { migration } = await pair.move();
  await pair.old.close();
  const again = await pair.serveAgain();
  expect(again.status().disks[0]).toMatchObject({ state: "forwarding", to: expect.stringMatching(/vda.*link\.sock/) });
  const client = await pair.client();
  await client.write(4096, [new Uint8Array(512).fill(0xab)]);
  await client.flush();
  expect(readFileSync(pair.target)[4096]).toBe(0xab);
  await client.close();
  await again.close();
  await pair.owner!.close();
  await expect(pair.serveAgain()).rejects.toMatchObject({
    code: "refused",
    message: expect.stringMatching(`has moved .*${migration}`),
  });
});

it.each([
  ["says so if something was never flushed", "unflushed"],
  ["has nothing to say if everything was flushed", "flushed"],
] as const)("a server that ends while the new owner is away %s", async (_, how) => {
  const pair = await startLivePair();
  const client = await pair.client();
  await pair.move();
  await client.write(0, [new Uint8Array(4096).fill(1)]);
  if (how === "flushed") await client.flush();
  await client.close();
  await pair.owner!.close();
  await expect.poll(() => pair.told).toContainEqual(expect.stringMatching(/the link to .* broke/));
  if (how === "flushed") await pair.old.close();
  else await expect(pair.old.close()).rejects.toThrow(/new owner.*cannot be reached/);
});

it("a new owner's server that is another migration's is refused before anybody waits", async () => {
  const pair = await startLivePair({ ownerIs: "somebody else's" });
  const guest = startCheckedGuest(await pair.client());
  await expect(pair.move()).rejects.toMatchObject({
    code: "refused",
    message: expect.stringMatching(/cannot be passed on .* not the target of migration/),
  });
  await guest.more(20);
  await guest.stop();
  expect(guest.missingIn(pair.source)).toEqual([]);
  expect(pair.old.status().disks[0]).toMatchObject({ state: "local" });
});

it("a receiver that will serve nowhere is refused, and what to do is said", async () => {
  const pair = await startLivePair({ announces: false });
  await expect(pair.move()).rejects.toMatchObject({
    code: "refused",
    message: expect.stringMatching(/--nbd URL.*--forward-to URL.*--after close/),
  });
  expect(pair.old.status().disks[0]).toMatchObject({ state: "local" });
});

it("--after close hangs up on clients, and then nothing is left to serve", async () => {
  const pair = await startLivePair({ announces: false });
  const guest = startCheckedGuest(await pair.client());
  await guest.more(50);
  await pair.move({ after: "close" });
  await pair.old.over;
  await guest.stop();
  expect(guest.failure).toBeDefined();
  expect(guest.missingIn(pair.target)).toEqual([]);
  expect(pair.old.status().disks[0]).toMatchObject({ state: "closed", clients: [] });
  await expect(pair.client()).rejects.toMatchObject({ code: "unknown-export" });
});

it("--after hold answers nobody, until the server ends", async () => {
  const pair = await startLivePair({ announces: false });
  const guest = startCheckedGuest(await pair.client());
  await guest.more(50);
  const acknowledged = await pair.move({ after: "hold" }).then(() => guest.acknowledged);
  expect(pair.old.status().disks[0]).toMatchObject({ state: "held" });
  expect(guest.missingIn(pair.target)).toEqual([]);
  const hashed = hashOf(pair.source);
  await pair.old.close();
  await guest.stop();
  expect(guest.acknowledged).toBe(acknowledged);
  expect(hashOf(pair.source)).toBe(hashed); // what was held is done nowhere
  await expect(pair.serveAgain()).rejects.toMatchObject({
    code: "refused",
    message: expect.stringMatching(/has moved/),
  });
});

it("a clone is a disk of its own: its clients go on where they are", async () => {
  const pair = await startLivePair({ announces: false });
  const guest = startCheckedGuest(await pair.client());
  await guest.more(50);
  await pair.move({ session: { ...SESSION, clone: true }, mirror: true, throttle: true });
  await guest.more(100);
  await guest.stop();
  expect(guest.failure).toBeUndefined();
  expect(guest.missingIn(pair.source)).toEqual([]);
  expect(pair.old.status().disks[0]).toMatchObject({ state: "local" });
});

it("several disks move as one, and each goes on at its new owner", async () => {
  const disks = ["vda", "vdb", "vdc"];
  const pair = await startLivePair({ disks });
  const guests = await Promise.all(
    disks.map(async (disk, at) => startCheckedGuest(await pair.client(disk), { seed: at })),
  );
  for (const guest of guests) await guest.more(50);
  await pair.move({ throttle: true, mirror: true });
  for (const guest of guests) await guest.more(50);
  for (const guest of guests) await guest.stop();
  expect(guests.map(({ failure }) => failure)).toEqual([undefined, undefined, undefined]);
  expect(guests.map((guest, at) => guest.missingIn(pair.pathsOf(disks[at]!).target))).toEqual([[], [], []]);
  expect(pair.old.status().disks.map(({ state }) => state)).toEqual(["forwarding", "forwarding", "forwarding"]);
});

it("one of several moves, and the others stay", async () => {
  const pair = await startLivePair({ disks: ["vda", "vdb"], announces: false });
  const stays = startCheckedGuest(await pair.client("vda"));
  await expect(pair.move({ disks: ["vdx"] })).rejects.toMatchObject({ code: "refused" });
  await pair.move({ disks: ["vdb"], after: "close" });
  await stays.more(50);
  await stays.stop();
  expect(stays.missingIn(pair.source)).toEqual([]);
  expect(pair.old.status().disks.map(({ state }) => state)).toEqual(["local", "closed"]);
});

it("a link that breaks between PREPARE and the commit is looked for again", async () => {
  const halt = haltAt({ way: "there", say: "commit", edge: "before" });
  const pair = await startLivePair({ watch: halt.watch });
  const guest = startCheckedGuest(await pair.client());
  const moving = pair.move();
  await halt.reached;
  pair.link.cut();
  halt.release();
  await moving;
  await guest.more(50);
  await guest.stop();
  expect(guest.failure).toBeUndefined();
  expect(guest.missingIn(pair.target)).toEqual([]);
});

it("a new owner answers nobody before the commit, whoever comes", async () => {
  const halt = haltAt({ way: "back", say: "sealed", edge: "before" });
  const pair = await startLivePair({ watch: halt.watch });
  const moving = pair.move();
  await halt.reached;
  const client = await pair.ownClient();
  const before = hashOf(pair.target);
  let isAnswered = false;
  const write = client.write(0, [new Uint8Array(4096).fill(0xcd)]).then(() => {
    isAnswered = true;
  });
  expect(pair.owner!.status().disks[0]).toMatchObject({ state: "waiting" });
  // Somebody who came later has been heard by then, so this one was, too.
  await pair.ownClient();
  expect(isAnswered).toBe(false);
  expect(hashOf(pair.target)).toBe(before);
  halt.release();
  await moving;
  await write;
  expect(readFileSync(pair.target)[0]).toBe(0xcd);
});

it("a server ends though the new owner is away with its clients' requests", async () => {
  const pair = await startLivePair();
  const guest = startCheckedGuest(await pair.client());
  await pair.move();
  await guest.more(20);
  await pair.owner!.close();
  await expect.poll(() => pair.told.join("\n")).toMatch(/the link to .* broke/);
  // What was answered and never flushed is said, if there is any: the guest flushes when it likes.
  const end = await pair.old.close().catch((error: unknown) => error);
  expect([undefined, "io"]).toContain((end as { code?: string } | undefined)?.code);
  await guest.stop();
  expect(guest.missingIn(pair.target)).toEqual([]);
});

it("clients whose writes are mirrored are passed on, and no write of theirs takes the old way", async () => {
  const pair = await startLivePair();
  const guest = startCheckedGuest(await pair.client(), { writers: 8 });
  await guest.more(200);
  const steps: string[] = [];
  const onEvent = (event: MigrationEvent): void => void (event.type === "converge" && steps.push(event.step));
  await pair.move({ mirror: true, maxBandwidth: 24 * MIB, downtimeLimit: 100 }, { onEvent });
  await guest.more(500);
  await guest.stop();
  expect(steps).toContain("mirror");
  expect(guest.failure).toBeUndefined();
  expect(guest.missingIn(pair.target)).toEqual([]);
});

it("limits may be changed while it moves, and only then", async () => {
  const pair = await startLivePair();
  const limits = { maxBandwidth: null, downtimeLimit: 2000 };
  expect(() => pair.old.setLimits(limits)).toThrow(/no migration runs/);
  const moving = pair.move({ maxBandwidth: 1 });
  await expect.poll(() => pair.old.status().migration?.statistics.status).toBe("active");
  pair.old.setLimits(limits);
  await moving;
  expect(pair.old.status().migration).toMatchObject({ ended: "completed", disks: ["vda"] });
});

it("whoever asked for it may cancel it", async () => {
  const pair = await startLivePair();
  const asked = new AbortController();
  const moving = pair.move({ maxBandwidth: 1 }, { signal: asked.signal });
  moving.catch(() => {});
  await expect.poll(() => pair.old.status().migration?.statistics.status).toBe("active");
  asked.abort();
  await expect(moving).rejects.toMatchObject({ code: "cancelled" });
  const again = await pair.move({}, { signal: asked.signal }).catch((error: unknown) => error);
  expect(again).toMatchObject({ code: "cancelled" });
  expect(pair.old.status().disks[0]).toMatchObject({ state: "local" });
});
