import { mkdirSync, readFileSync, rmdirSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { InDoubt } from "../exit-code-in-doubt.ts";
import { haltAt, type Place } from "../halt.test-kit.ts";
import { type CheckedGuest, startCheckedGuest } from "./checked-writes.test-kit.ts";
import { hashOf, type LivePair, SESSION, startLivePair } from "./live-pair.test-kit.ts";

const recordOf = (path: string): unknown =>
  (JSON.parse(readFileSync(`${path}.blkmig`, "utf8")) as { state: unknown }).state;
const stateOf = ({ old }: LivePair): unknown => old.status().disks[0]!.state;

/** A guest at work, and a migration that stands still at a place. */
async function startHalted(place: Place) {
  const halt = haltAt(place);
  const pair = await startLivePair({ watch: halt.watch });
  const guest = startCheckedGuest(await pair.client());
  await guest.more(50);
  const moving = pair.move();
  moving.catch(() => {});
  await halt.reached;
  return { pair, guest, moving, halt };
}

/** No request of its has failed, and where its disk is now is all that was answered. */
async function expectWhole(guest: CheckedGuest, path: string): Promise<void> {
  await guest.more(50);
  await guest.stop();
  expect(guest.failure).toBeUndefined();
  expect(guest.missingIn(path)).toEqual([]);
}

describe("before commit is asked for", () => {
  it("a migration that is cancelled leaves the clients where they are", async () => {
    const { pair, guest, moving, halt } = await startHalted({ way: "there", byte: 1024 * 1024 });
    expect(pair.old.cancel()).toBe(true);
    halt.release();
    await expect(moving).rejects.toMatchObject({ code: "cancelled" });
    expect(pair.old.cancel()).toBe(false);
    expect(stateOf(pair)).toBe("local");
    expect(pair.old.status().migration).toMatchObject({ ended: "cancelled", disks: ["vda"] });
    await expectWhole(guest, pair.source);
  });

  it("one at a time: another one is refused, and names the first", async () => {
    const { pair, moving, halt } = await startHalted({ way: "there", byte: 1024 * 1024 });
    await expect(pair.move()).rejects.toMatchObject({
      code: "refused",
      message: expect.stringMatching(/tcp:.* runs already/),
    });
    halt.release();
    await moving;
  });

  it("a receiver that is killed in the middle leaves the clients where they are", async () => {
    const { pair, guest, moving, halt } = await startHalted({ way: "there", byte: 1024 * 1024 });
    await pair.receiver.die();
    pair.wire.cut();
    halt.release();
    await expect(moving).rejects.toMatchObject({ code: "wire", guest: "running" });
    expect(stateOf(pair)).toBe("local");
    await expectWhole(guest, pair.source);
  });

  it.each([
    ["before PREPARE", { way: "there", say: "prepare", edge: "before" }],
    ["when it is prepared", { way: "back", say: "ready", edge: "before" }],
    ["in the pause", { way: "there", say: "seal", edge: "before" }],
    ["when it is sealed", { way: "back", say: "sealed", edge: "before" }],
  ] as const)("a wire that is cut %s is mended, and the clients are passed on in the end", async (_, place) => {
    const { pair, guest, moving, halt } = await startHalted(place);
    pair.wire.cut();
    halt.release();
    await moving;
    await expectWhole(guest, pair.target);
    expect(stateOf(pair)).toBe("forwarding");
  });
});

describe("once commit is asked for", () => {
  it("a cut is mended, and the outcome is asked again", async () => {
    const { pair, guest, moving, halt } = await startHalted({ way: "back", say: "committed", edge: "before" });
    expect(recordOf(pair.source)).toBe("asked");
    expect(pair.old.cancel()).toBe(true); // and nothing comes of it
    pair.wire.cut();
    halt.release();
    await moving;
    await expectWhole(guest, pair.target);
    expect(recordOf(pair.source)).toBe("moved");
  });

  const NOT_HEARD: Place = { way: "there", say: "commit", edge: "before" };
  const NOT_ANSWERED: Place = { way: "back", say: "committed", edge: "before" };

  it("who cancels then is heard as soon as it is known that it was not committed", async () => {
    const { pair, guest, moving, halt } = await startHalted(NOT_HEARD);
    expect(pair.old.cancel()).toBe(true);
    await pair.receiver.die();
    await pair.restartReceiver();
    pair.wire.cut();
    halt.release();
    await expect(moving).rejects.toMatchObject({ code: "cancelled", guest: "running" });
    expect(recordOf(pair.source)).toBe("kept");
    await expectWhole(guest, pair.source);
  });

  /** The receiver dies, and nobody knows. */
  async function leaveInDoubt(place: Place) {
    const { pair, guest, moving, halt } = await startHalted(place);
    await pair.receiver.die();
    pair.wire.cut();
    halt.release();
    const error = await moving.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InDoubt);
    const { migration } = error as InDoubt;
    expect(stateOf(pair)).toBe("in-doubt");
    const acknowledged = guest.acknowledged;
    const left = hashOf(pair.source);
    /** Nobody was answered, and nothing was written, while it was not known. */
    const expectHeld = (): void => {
      expect(guest.acknowledged).toBe(acknowledged);
      expect(hashOf(pair.source)).toBe(left);
    };
    return { pair, guest, migration, expectHeld };
  }

  it("a receiver that dies leaves it in doubt: kept by hand, the clients go on here", async () => {
    const { pair, guest, migration, expectHeld } = await leaveInDoubt(NOT_HEARD);
    await expect(pair.move()).rejects.toMatchObject({
      code: "refused",
      message: expect.stringMatching(/in doubt.*--resume/),
    });
    await expect(pair.old.resolve("other", "keep")).rejects.toMatchObject({ code: "refused" });
    expectHeld();
    await pair.old.resolve(migration, "keep");
    expect(recordOf(pair.source)).toBe("kept");
    await expectWhole(guest, pair.source);
    expect(stateOf(pair)).toBe("local");
  });

  it("a receiver that dies leaves it in doubt: gone by hand, the clients are passed on", async () => {
    const { pair, guest, migration, expectHeld } = await leaveInDoubt(NOT_ANSWERED);
    expectHeld();
    const left = hashOf(pair.source);
    await pair.old.resolve(migration, "gone");
    expect(recordOf(pair.source)).toBe("moved");
    await expectWhole(guest, pair.target);
    expect(hashOf(pair.source)).toBe(left);
    expect(stateOf(pair)).toBe("forwarding");
  });

  it.each([
    ["had not heard of it: the disk moves after all", NOT_HEARD],
    ["had committed: the clients are passed on", NOT_ANSWERED],
  ])("another receiver is asked, and %s", async (_, place) => {
    const { pair, guest, expectHeld } = await leaveInDoubt(place);
    const resumed = { session: { ...SESSION, resume: true } };
    await expect(pair.move(resumed)).rejects.toBeInstanceOf(InDoubt); // nobody is there
    expect(stateOf(pair)).toBe("in-doubt");
    expectHeld();
    await pair.restartReceiver();
    await pair.move(resumed);
    await expectWhole(guest, pair.target);
    expect(recordOf(pair.source)).toBe("moved");
    expect(stateOf(pair)).toBe("forwarding");
  });

  it("two verdicts at once: the first counts", async () => {
    const { pair, guest, migration } = await leaveInDoubt(NOT_HEARD);
    const kept = pair.old.resolve(migration, "keep");
    const refused = { code: "refused", message: expect.stringMatching(/being decided/) };
    await expect(pair.old.resolve(migration, "gone")).rejects.toMatchObject(refused);
    await kept;
    expect(recordOf(pair.source)).toBe("kept");
    await expectWhole(guest, pair.source);
  });

  it("a server that ends in doubt says so, answers nobody, and does not start again", async () => {
    const { pair, guest, migration, expectHeld } = await leaveInDoubt(NOT_HEARD);
    await expect(pair.old.close()).rejects.toBeInstanceOf(InDoubt);
    await guest.stop();
    expectHeld();
    await expect(pair.serveAgain()).rejects.toMatchObject({
      code: "refused",
      message: expect.stringMatching(`in doubt.*${migration}.*--resume.*--keep ${migration}.*--gone ${migration}`),
    });
  });
});

it("clients wait as long as it cannot be recorded that their disk has moved", async () => {
  const { pair, guest, moving, halt } = await startHalted({ way: "back", say: "committed", edge: "before" });
  mkdirSync(`${pair.source}.blkmig.new`);
  const acknowledged = guest.acknowledged;
  const left = hashOf(pair.source);
  halt.release();
  await expect.poll(() => pair.told.join("\n")).toMatch(/could not be recorded here/);
  await expect.poll(() => pair.told.join("\n"), { timeout: 5000 }).toMatch(/could not be recorded again/);
  expect(recordOf(pair.source)).toBe("asked");
  expect(stateOf(pair)).toBe("held");
  expect(guest.acknowledged).toBe(acknowledged);
  rmdirSync(`${pair.source}.blkmig.new`);
  await moving;
  await expectWhole(guest, pair.target);
  expect(recordOf(pair.source)).toBe("moved");
  expect(hashOf(pair.source)).toBe(left);
});
