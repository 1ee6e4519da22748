import { closeSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";

import { type BlockDevice, openDisk } from "@blkmig/device";
import { createNbdServer, listenNbd, parseNbdUrl } from "@blkmig/nbd";
import { createRandom } from "@blkmig/testkit";
import { describe, expect, it, onTestFinished } from "vitest";

import { startCheckedGuest } from "./live/checked-writes.test-kit.ts";
import { makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { hasNbdkit, startNbdkit } from "./nbd-servers.test-kit.ts";
import { refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { startServing } from "./serving.test-kit.ts";

const AT = "tcp://127.0.0.1:0";
const SIZE = 3 * MIB;

type Path = (name: string) => string;

/** A move of a disk `a`, of which both ends are given these words, and then the sender those. `strike` runs when some of it has come. */
async function move(path: Path, from: readonly string[], target: string, more: readonly string[], strike?: () => void) {
  const where = ["--json", "--state-dir", path("state")];
  const resume = more.filter((word) => word === "--resume");
  const receiver = startBlkmig(["receive", AT, "--disk", `a=${target}`, ...where, ...resume]);
  const sender = startBlkmig(["send", await receiver.url(), ...from, ...more, "--json"]);
  if (strike) {
    await receiver.until(({ event, remaining }) => event === "status" && Number(remaining) < SIZE - MIB / 2);
    strike();
  }
  const sent = await sender.ended;
  // Whoever fails before it has said hello keeps the receiver waiting.
  if (sent.code === 3) receiver.process.kill("SIGTERM");
  return { sent: refusal(sent), received: refusal(await receiver.ended) };
}

/** Data all over, but for a last MiB of zeroes. */
function makeDense(path: string): string {
  writeFileSync(path, createRandom(3).bytes(SIZE));
  const file = openSync(path, "r+");
  writeSync(file, new Uint8Array(MIB), 0, MIB, SIZE - MIB);
  closeSync(file);
  return path;
}

const WELL = { code: 0, sentences: [], stackTrace: false };
const BOTH_WELL = { sent: WELL, received: WELL };

async function stateOf(path: Path, target: string): Promise<unknown> {
  return (await statusOf(path, target))?.["state"];
}

async function statusOf(path: Path, target: string) {
  const { events } = await runBlkmig(["status", "--json", "--target", target, "--state-dir", path("state")]);
  return events[0];
}

/** Slowly enough that a fault can come in the middle. */
const SLOW = ["--max-bandwidth", "2M"];

describe.skipIf(!hasNbdkit)("a disk behind nbdkit that fails (skipped without the program nbdkit)", () => {
  it.each([
    [
      "writes",
      "pwrite",
      ["error-pwrite=ENOSPC", "error-pwrite-rate=100%"],
      /disk 'a': write of .*ENOSPC.*; make room there/,
    ],
    ["zeroes", "zero", ["error-zero-rate=100%"], /disk 'a': .*EIO/],
    ["reads", "pread", ["error-pread-rate=100%"], /disk 'a': read of .*EIO/],
  ])("in its %s, as a target is never committed; mended, --resume goes on", async (_, what, errors, sentence) => {
    const path = temporaryFolder();
    const [source, target] = [makeDense(path("source")), makeGarbage(path("target"), SIZE)];
    const words = ["file", target, ...errors, `error-${what}-file=${path("broken")}`];
    const { url } = await startNbdkit(path("socket"), "--filter=error", ...words);
    const from = ["--disk", `a=${source}`];
    const broken = await move(path, from, url, SLOW, () => writeFileSync(path("broken"), ""));
    expect(broken).toEqual({
      sent: refused(1, /the receiver cannot go on: .*disk 'a'/),
      received: refused(1, sentence),
    });
    rmSync(path("broken"));
    expect(await stateOf(path, url)).toBe("incomplete");
    expect(await move(path, from, url, ["--resume"])).toEqual(BOTH_WELL);
    expect(sameFiles(source, target)).toBe(true);
  });

  it.each([
    ["reads", "pread", /disk 'a': read of .*EIO.*; to go on, start both ends again with --resume/],
    ["extents", "extents", /disk 'a': .*EIO/],
  ])("in its %s, as a source is intact; mended, --resume goes on", async (_, what, sentence) => {
    const path = temporaryFolder();
    const [source, target] = [makeDense(path("source")), makeGarbage(path("target"), SIZE)];
    const errors = [`error-${what}-rate=100%`, `error-${what}-file=${path("broken")}`];
    const { url } = await startNbdkit(path("socket"), "-r", "--filter=error", "file", source, ...errors);
    const from = ["--disk", `a=${url}`, "--state-dir", path("state")];
    const broken = await move(path, from, target, [...SLOW, "--granularity", "64K"], () =>
      writeFileSync(path("broken"), ""),
    );
    expect(broken).toEqual({
      sent: refused(1, sentence),
      received: refused(1, /the source gave up: .*the targets are not complete/),
    });
    rmSync(path("broken"));
    expect(await stateOf(path, target)).toBe("incomplete");
    expect(await move(path, from, target, ["--resume"])).toEqual(BOTH_WELL);
    expect(sameFiles(source, target)).toBe(true);
  });
});

/** An NBD server of ours over a file, whose disk does what a good one does, but for what is given. */
async function startLiar(
  path: Path,
  file: string,
  lies: (honest: BlockDevice) => Partial<BlockDevice>,
): Promise<string> {
  const honest = await openDisk(file, { name: "lying" });
  const device: BlockDevice = {
    name: honest.name,
    size: honest.size,
    readOnly: false,
    read: async (offset, into) => honest.read(offset, into),
    write: async (offset, data) => honest.write(offset, data),
    zero: async (offset, length, options) => honest.zero(offset, length, options),
    extents: (offset, length) => honest.extents(offset, length),
    flush: async () => honest.flush(),
    close: async () => honest.close(),
    ...lies(honest),
  };
  const server = createNbdServer({ exports: () => [{ name: "", device }] });
  const socket = `nbd+unix:///?socket=${path("liar")}`;
  const listener = await listenNbd(parseNbdUrl(socket), server);
  onTestFinished(async () => {
    await listener.close();
    await server.close("now");
    await honest.close();
  });
  return socket;
}

const covers = (at: number, offset: number, length: number): boolean => offset <= at && at < offset + length;
/** Not in the first block, which is withheld until the commit: that one is read back then, verified or not. */
const VICTIM = MIB + 4096;

/** Says yes and forgets. */
const losing = (honest: BlockDevice): Partial<BlockDevice> => ({
  async write(offset, data) {
    const length = data.reduce((sum, piece) => sum + piece.length, 0);
    if (!covers(VICTIM, offset, length)) await honest.write(offset, data);
  },
});
/** One bit is another one when it is there. */
const flippingAt =
  (victim: number, isMended = () => false) =>
  (honest: BlockDevice): Partial<BlockDevice> => ({
    async write(offset, data) {
      const whole = Buffer.concat(data);
      if (covers(victim, offset, whole.length) && !isMended()) whole[victim - offset]! ^= 0x04;
      await honest.write(offset, [whole]);
    },
  });
const flipping = flippingAt(VICTIM);

describe("a target that lies", () => {
  it.each([
    ["loses a write", losing],
    ["changes a bit", flipping],
  ])("and %s is never committed: the source is intact, and can be sent elsewhere", async (_, lies) => {
    const path = temporaryFolder();
    const source = makeDense(path("source"));
    const url = await startLiar(path, makeGarbage(path("target"), SIZE), lies);
    const { sent, received } = await move(path, ["--disk", `a=${source}`], url, []);
    expect(sent).toEqual(refused(1, /what the receiver reads back differs from what it was sent, again and again/));
    expect(received).toEqual(refused(1, /the source gave up: .*the targets are not complete/));
    expect(await stateOf(path, url)).toBe("incomplete");
    const other = makeGarbage(path("other"), SIZE);
    expect(await move(path, ["--disk", `a=${source}`], other, [])).toEqual(BOTH_WELL);
    expect(sameFiles(source, other)).toBe(true);
  });

  it("is believed with --no-verify, as is said of that", async () => {
    const path = temporaryFolder();
    const source = makeDense(path("source"));
    const url = await startLiar(path, makeGarbage(path("target"), SIZE), flipping);
    expect(await move(path, ["--disk", `a=${source}`], url, ["--no-verify"])).toEqual(BOTH_WELL);
    expect(refusal(await runBlkmig(["verify", source, path("target")]))).toMatchObject({ code: 1 });
  });

  it("in its first block, which it gets with the commit, leaves it in doubt; mended, --resume makes it whole", async () => {
    const path = temporaryFolder();
    const [source, target] = [makeDense(path("source")), makeGarbage(path("target"), SIZE)];
    let isMended = false;
    const lies = flippingAt(4096, () => isMended);
    const url = await startLiar(path, target, lies);
    const from = ["--disk", `a=${source}`];
    expect(await move(path, from, url, ["--reconnect-for", "500ms"])).toEqual({
      sent: refused(4, /it is not known whether the receiver has committed/),
      received: refused(4, /disk 'a': it has kept other bytes than its first block was given; .*--resume/),
    });
    const { state, migration } = { state: undefined, migration: undefined, ...(await statusOf(path, url)) };
    expect(state).toBe("sealed");
    const byHand = ["resolve", "--target", url, "--commit", String(migration), "--state-dir", path("state")];
    const disbelieved = /it has kept other bytes than its first block was given/;
    expect((await runBlkmig(byHand)).stderr).toMatch(disbelieved);
    expect(await stateOf(path, url)).toBe("sealed");
    isMended = true;
    expect(await move(path, from, url, ["--resume"])).toEqual(BOTH_WELL);
    expect(await stateOf(path, url)).toBe("complete");
    expect(sameFiles(source, target)).toBe(true);
  });

  it("of its flushes, and says so, is never committed, verified or not", async () => {
    for (const more of [[], ["--no-verify"]]) {
      const path = temporaryFolder();
      const source = makeDense(path("source"));
      const url = await startLiar(path, makeGarbage(path("target"), SIZE), () => ({
        flush: async () => Promise.reject(new Error("the cache is gone")),
      }));
      const { sent, received } = await move(path, ["--disk", `a=${source}`], url, more);
      expect(sent).toEqual(refused(1, /the receiver cannot go on: .*disk 'a': .*flush/));
      expect(received).toEqual(refused(1, /disk 'a': .*flush.*EIO/));
      expect(await stateOf(path, url)).toBe("incomplete");
    }
  });

  it("is found out while a guest writes: the guest goes on here, and is moved to another", async () => {
    const path = temporaryFolder();
    const source = makeDense(path("source"));
    const served = await startServing({ disks: { a: source } });
    const guest = startCheckedGuest(await served.dial("a"));
    await guest.more(20);
    const url = await startLiar(path, makeGarbage(path("target"), SIZE), losing);
    const from = ["--from", served.control, "--after", "close"];
    const { sent } = await move(path, from, url, ["--downtime-limit", "10s"]);
    expect(sent).toEqual(refused(1, /what the receiver reads back differs/));
    expect(await stateOf(path, url)).toBe("incomplete");
    await guest.more(50);
    expect((await served.status())["disks"]).toMatchObject([{ state: "local" }]);
    await guest.stop();
    const other = makeGarbage(path("other"), SIZE);
    expect(await move(path, from, other, [])).toEqual(BOTH_WELL);
    expect((await served.running.ended).code).toBe(0);
    expect(sameFiles(source, other)).toBe(true);
    expect(guest.missingIn(other)).toEqual([]);
  });
});

describe.skipIf(!hasNbdkit)("a served disk behind nbdkit that fails (skipped without the program nbdkit)", () => {
  it("in its reads cannot be moved meanwhile; its guest's writes go on, and mended it is", async () => {
    const path = temporaryFolder();
    const source = makeDense(path("source"));
    const errors = ["error-pread-rate=100%", `error-pread-file=${path("broken")}`];
    const { url } = await startNbdkit(path("socket"), "--filter=error", "file", source, ...errors);
    const served = await startServing({ disks: { a: url }, more: ["--state-dir", path("state")] });
    const client = await served.dial("a");
    const target = makeGarbage(path("target"), SIZE);
    const from = ["--from", served.control, "--after", "close"];
    const broken = await move(path, from, target, SLOW, () => writeFileSync(path("broken"), ""));
    expect(broken.sent).toEqual(refused(1, /disk 'a': .*read of .*EIO/));
    expect(await stateOf(path, target)).toBe("incomplete");
    await client.write(MIB, [new Uint8Array(4096).fill(7)]);
    rmSync(path("broken"));
    expect(await move(path, from, target, ["--resume"])).toEqual(BOTH_WELL);
    expect((await served.running.ended).code).toBe(0);
    expect(sameFiles(source, target)).toBe(true);
  });
});
