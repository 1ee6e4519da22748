import { appendFileSync, copyFileSync, truncateSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { haltAt, type Place } from "./halt.test-kit.ts";
import { startCheckedGuest } from "./live/checked-writes.test-kit.ts";
import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { canMount, mountSmall } from "./mounts.test-kit.ts";
import { expectNothingLeft } from "./nothing-left-behind.test-kit.ts";
import { refusal, refused, runBlkmig, type Running, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { startServing } from "./serving.test-kit.ts";
import { createMove, statusOf } from "./session-move.test-kit.ts";

const AT = "tcp://127.0.0.1:0";
const NEEDS = canMount ? "on a small tmpfs" : "on a small tmpfs: skipped, only who may mount can have one";
const WHAT_TO_DO = "make room there, then start both ends again \\(a session: with --resume\\)";

const full = (what: string): RegExp => new RegExp(`${what}.*ENOSPC.*; ${WHAT_TO_DO}`);
const there = (say: string): Place => ({ way: "there", say, edge: "before" });
const back = (say: string): Place => ({ way: "back", say, edge: "before" });

describe.skipIf(!canMount)(`a target (${NEEDS})`, () => {
  it("that is full in the bulk is not complete, its source goes on, and --resume ends it when there is room", async () => {
    const path = temporaryFolder();
    const small = mountSmall(path("small"), 12 * MIB);
    const [source, target] = [makeDisk(path("source"), 8 * MIB), small.path("target")];
    copyFileSync(source, path("as it was"));
    small.fill();
    small.makeRoom(4 * MIB);
    const move = async (...more: readonly string[]) => {
      const receiver = startBlkmig(["receive", AT, "--json", "--create", "--disk", `a=${target}`, ...more]);
      const sent = await runBlkmig(["send", await receiver.url(), "--disk", `a=${source}`, ...more]);
      return [refusal(sent), refusal(await receiver.ended)];
    };
    expect(await move()).toEqual([
      refused(1, /the receiver cannot go on: disk 'a': .*ENOSPC/),
      refused(1, full("disk 'a'")),
    ]);
    expect(await statusOf({ source, target })).toEqual({ source: "sending", target: "incomplete" });
    expect(sameFiles(source, path("as it was"))).toBe(true);
    small.makeRoom();
    expect((await move("--resume")).map(({ code }) => code)).toEqual([0, 0]);
    expect(await statusOf({ source, target })).toEqual({ source: "moved", target: "complete" });
    expect(sameFiles(source, target)).toBe(true);
    await expectNothingLeft({ folders: [path(".")], disks: [source, target], mayStay: [path("as it was")] });
  });

  it("that is full while a guest writes: the guest goes on, and --resume ends it when there is room", async () => {
    const size = 16 * MIB;
    const path = temporaryFolder();
    const small = mountSmall(path("small"), size + 4 * MIB);
    // Its data is last, so that the first pass lasts until the guest has written far more than may be left for a pause.
    const source = makeDisk(path("source"), 512);
    truncateSync(source, size - MIB);
    appendFileSync(source, new Uint8Array(MIB).fill(1));
    const target = small.path("target");
    const served = await startServing({ disks: { a: source }, more: ["--granularity", "4K"] });
    const disk = await served.dial("a");
    const receive = async (...more: readonly string[]): Promise<Running> =>
      startBlkmig(["receive", AT, "--json", "--create", "--disk", `a=${target}`, ...more]);
    const send = async (receiver: Running, ...more: readonly string[]): Promise<Running> =>
      startBlkmig(["send", await receiver.url(), "--json", "--from", served.control, "--after", "close", ...more]);

    const receiver = await receive();
    const sender = await send(receiver, "--max-bandwidth", "1M", "--downtime-limit", "50ms");
    await sender.until(
      ({ event, remaining }) => event === "status" && Number(remaining) > 0 && Number(remaining) < 2 * MIB,
    );
    const guest = startCheckedGuest(disk);
    await sender.until(({ event, "dirty-sync-count": passes }) => event === "status" && Number(passes) > 0);
    small.fill();
    const [sent, received] = [await sender.ended, await receiver.ended];
    expect(refusal(sent)).toEqual(refused(1, /disk 'a': .*ENOSPC/));
    expect(refusal(received)).toEqual(refused(1, full("disk 'a'")));
    await guest.more(100);
    expect((await served.status())["disks"]).toMatchObject([{ state: "local" }]);
    const [found] = (await runBlkmig(["status", "--json", "--target", target])).events;
    expect(found).toMatchObject({ state: "incomplete" });

    small.makeRoom();
    await guest.stop();
    const again = await receive("--resume");
    expect([(await (await send(again, "--resume")).ended).code, (await again.ended).code]).toEqual([0, 0]);
    expect((await served.running.ended).code).toBe(0);
    expect(sameFiles(source, target)).toBe(true);
    expect(guest.missingIn(target)).toEqual([]);
  });
});

/** Whose record it is, when its file system becomes full, how both ends end, and what their disks are then. */
const RECORDS = [
  {
    name: "the target's, before anything",
    on: "to",
    at: there("hello"),
    sender: refused(1, /the receiver cannot go on: the record beside .*\/target\.blkmig: .*ENOSPC/),
    receiver: refused(1, full("/target\\.blkmig")),
    left: { source: "sending", target: "foreign" },
  },
  {
    name: "the target's, when all of it is held",
    on: "to",
    at: there("prepare"),
    sender: refused(1, /the receiver cannot go on: the record beside .*\/target\.blkmig: .*ENOSPC/),
    receiver: refused(1, full("/target\\.blkmig")),
    left: { source: "sending", target: "incomplete" },
  },
  {
    name: "the target's, when it is to be sealed",
    on: "to",
    at: there("seal"),
    sender: refused(1, /the receiver cannot go on: the record beside .*\/target\.blkmig: .*ENOSPC/),
    receiver: refused(1, full("/target\\.blkmig")),
    left: { source: "sending", target: "incomplete" },
  },
  {
    name: "the target's, when commit was asked for: in doubt",
    on: "to",
    at: there("commit"),
    sender: refused(4, /it is not known whether the receiver has committed/),
    receiver: refused(4, full("/target\\.blkmig")),
    left: { source: "asked", target: "sealed" },
  },
  {
    name: "the source's, before commit is asked for",
    on: "from",
    at: back("sealed"),
    sender: refused(1, full("it could not be recorded that commit is asked for: .*/source\\.blkmig")),
    receiver: refused(1, /the source gave up: .*\/source\.blkmig: .*ENOSPC.*the targets are not complete/),
    left: { source: "sending", target: "incomplete" },
  },
  {
    name: "the source's, when the receiver has committed: the disk has moved, and nobody sends it again before that is known",
    on: "from",
    at: back("committed"),
    sender: { code: 0, sentences: [], stackTrace: false },
    receiver: { code: 0, sentences: [], stackTrace: false },
    left: { source: "asked", target: "complete" },
  },
] as const;

describe.skipIf(!canMount)(`a record whose file system is full (${NEEDS})`, () => {
  it.each(RECORDS)("$name; --resume ends it when there is room", async ({ on, at, sender, receiver, left }) => {
    const small = mountSmall(temporaryFolder()("small"), 12 * MIB);
    const halt = haltAt(at);
    const parts = { wire: "tcp", target: "garbage", size: 2 * MIB + 512, seed: 5, watch: halt.watch } as const;
    const move = await createMove({ ...parts, [on]: small.path, options: ["--reconnect-for", "500ms"] });
    await move.receive("--reconnect-for", "500ms");
    move.send();
    await halt.reached;
    small.fill();
    halt.release();
    expect(refusal(await move.ended("sender"))).toEqual(sender);
    expect(refusal(await move.ended("receiver"))).toEqual(receiver);
    expect(await statusOf(move)).toEqual(left);
    if (left.source === "asked") {
      const words = ["send", "tcp://127.0.0.1:1", "--disk", `a=${move.source}`];
      expect(refusal(await runBlkmig(words))).toEqual(refused(3, /is in doubt/));
    }
    small.makeRoom();
    const ended = await move.finish();
    expect([ended.sender.code, ended.receiver.code]).toEqual([0, 0]);
    await move.expectWell();
  });

  it("the source's, before anything: nothing is changed at either end", async () => {
    const path = temporaryFolder();
    const small = mountSmall(path("small"), 4 * MIB);
    const source = makeDisk(small.path("source"), 2 * MIB);
    copyFileSync(source, path("as it was"));
    small.fill();
    const target = makeGarbage(path("target"), 2 * MIB);
    const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${target}`]);
    const sent = await runBlkmig(["send", await receiver.url(), "--json", "--disk", `a=${source}`]);
    expect(refusal(sent)).toEqual(refused(3, full("/source\\.blkmig")));
    expect(sent.events.at(-1)).toMatchObject({ event: "failed", code: "journal" });
    receiver.process.kill("SIGTERM");
    expect((await receiver.ended).code).toBe(130);
    expect(await statusOf({ source, target })).toEqual({ source: "free", target: "foreign" });
    expect(sameFiles(source, path("as it was"))).toBe(true);
    const mayStay = [path("as it was"), small.path("ballast")];
    await expectNothingLeft({ folders: [path(".")], disks: [source, target], mayStay });
  });
});
