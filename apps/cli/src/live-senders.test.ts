import { execFileSync } from "node:child_process";
import { createServer } from "node:net";

import { openNbd, parseNbdUrl } from "@blkmig/nbd";
import { describe, expect, it, onTestFinished } from "vitest";

import { haltAt } from "./halt.test-kit.ts";
import { end, startOwner, statusAt } from "./live-hosts.test-kit.ts";
import { startCheckedGuest } from "./live/checked-writes.test-kit.ts";
import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { startRelay } from "./relay.test-kit.ts";
import { refusal, refused, runBlkmig, type Running, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { hasLibnbd, startServing } from "./serving.test-kit.ts";

const SIZE = 8 * MIB;

interface Move {
  readonly source: string;
  readonly target: string;
  /** Where the target is served, in the end. */
  readonly socket: string;
  readonly nbd: string;
}

function prepare(): Move {
  const path = temporaryFolder();
  const socket = path("nbd");
  const nbd = `nbd+unix:///?socket=${socket}`;
  return { source: makeDisk(path("source"), SIZE), target: makeGarbage(path("target"), SIZE), socket, nbd };
}

/** What a client finds there is the source, and what it writes is in the target. */
async function assertServed({ source, target, socket }: Move, owner: Running): Promise<void> {
  const client = await openNbd(parseNbdUrl(`nbd+unix:///a?socket=${socket}`));
  const first = new Uint8Array(MIB);
  await client.read(0, first);
  await client.write(MIB, [first]);
  await client.write(0, [first]);
  await client.close();
  expect(await end(owner)).toBe(0);
  execFileSync("dd", [`if=${source}`, `of=${source}`, "bs=1M", "count=1", "seek=1", "conv=notrunc", "status=none"]);
  expect(sameFiles(source, target)).toBe(true);
}

describe("receive --nbd", () => {
  it.each([["--wire", "1.1"], ["--wire", "1.0"], []])(
    "serves what a sender of disks at rest brings: %s %s",
    async (...wire) => {
      const move = prepare();
      const { running, to } = await startOwner({ disks: { a: move.target }, nbd: move.nbd });
      expect(await runBlkmig(["send", to, "--disk", `a=${move.source}`, ...wire])).toMatchObject({ code: 0 });
      await assertServed(move, running);
    },
  );

  it("serves what comes out of a file", async () => {
    const move = prepare();
    const stream = `file://${temporaryFolder()("stream")}`;
    expect(await runBlkmig(["send", stream, "--disk", `a=${move.source}`])).toMatchObject({ code: 0 });
    const { running, served } = await startOwner({ disks: { a: move.target }, nbd: move.nbd, at: stream });
    await served();
    await assertServed(move, running);
  });

  it.each([
    ["a session", []],
    ["a classic stream", ["--wire", "1.1"]],
  ])("holds whoever comes before the commit of %s, and answers then", async (_, wire) => {
    const move = prepare();
    const { running, to } = await startOwner({ disks: { a: move.target }, nbd: move.nbd });
    const sending = startBlkmig(["send", to, "--disk", `a=${move.source}`, "--max-bandwidth", "16M", ...wire]);
    await running.until(({ event }) => event === "status");
    const early = await openNbd(parseNbdUrl(`nbd+unix:///a?socket=${move.socket}`));
    const first = new Uint8Array(SIZE);
    let isRead = false;
    const reading = early.read(0, first).then(() => (isRead = true));
    await running.until(({ event, phase }) => event === "status" && phase === "bulk");
    expect(isRead).toBe(false);
    expect(await sending.ended).toMatchObject({ code: 0 });
    await reading;
    await early.close();
    expect(Buffer.from(first).equals(execFileSync("cat", [move.source], { maxBuffer: 2 * SIZE }))).toBe(true);
    expect(await end(running)).toBe(0);
  });

  it.each([
    ["a session", []],
    ["a classic stream", ["--wire", "1.1"]],
  ])("whose address or control socket is another's refuses %s before anything is written", async (_, wire) => {
    const move = prepare();
    const other = createServer().listen(move.socket);
    onTestFinished(() => void other.close());
    const free = `nbd+unix:///?socket=${temporaryFolder()("free")}`;
    for (const words of [
      { nbd: move.nbd, more: [] },
      { nbd: free, more: ["--control", move.socket] },
    ]) {
      const { running, to } = await startOwner({ disks: { a: move.target }, ...words });
      expect(await runBlkmig(["send", to, "--disk", `a=${move.source}`, ...wire])).toMatchObject({
        code: wire.length > 0 ? 1 : 3,
      });
      expect(refusal(await running.ended)).toEqual(refused(3, /is in use: somebody listens there/));
    }
    expect(
      execFileSync("tr", ["-d", "\\356"], { input: execFileSync("cat", [move.target], { maxBuffer: 2 * SIZE }) }),
    ).toHaveLength(0);
  });

  it("is asked at its control socket before the commit, too, and moves nothing on that has not come", async () => {
    const move = prepare();
    const control = temporaryFolder()("control");
    const { running, to } = await startOwner({
      disks: { a: move.target },
      nbd: move.nbd,
      more: ["--control", control],
    });
    const sending = startBlkmig(["send", to, "--json", "--disk", `a=${move.source}`, "--max-bandwidth", "64K"]);
    await sending.until(({ event, acknowledged }) => event === "status" && Number(acknowledged) > 0);
    expect(await statusAt(control)).toMatchObject({ disks: [{ name: "a", state: "waiting" }] });
    const on = await runBlkmig(["send", "tcp://127.0.0.1:1", "--from", control]);
    expect(refusal(on)).toEqual(refused(3, /disk 'a' has not come yet/));
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 130 });
    expect(refusal(await runBlkmig(["status", "--control", control]))).toEqual(refused(3, /cannot connect/));
  });

  it("takes up with --resume what a crash has left, and serves it", async () => {
    const move = prepare();
    const options = { disks: { a: move.target }, nbd: move.nbd };
    const first = await startOwner(options);
    const relay = await startRelay("tcp://127.0.0.1:0");
    relay.leadTo(first.to);
    const sending = startBlkmig(["send", relay.url, "--json", "--disk", `a=${move.source}`, "--max-bandwidth", "4M"]);
    await sending.until(({ event, acknowledged }) => event === "status" && Number(acknowledged) > 2 * MIB);
    first.running.process.kill("SIGKILL");
    await first.running.ended;
    const next = await startOwner({ ...options, more: ["--resume"] });
    relay.leadTo(next.to);
    expect(await sending.ended).toMatchObject({ code: 0 });
    await assertServed(move, next.running);
  });
});

describe("a receiver that has committed, and whose sender has not heard of it", () => {
  async function loseTheAnswer(more: readonly string[] = []) {
    const move = prepare();
    const control = temporaryFolder()("control");
    const options = { disks: { a: move.target }, nbd: move.nbd };
    const owner = await startOwner({ ...options, more: ["--control", control, ...more] });
    const served = await startServing({ disks: { a: move.source } });
    const guest = startCheckedGuest(await served.dial("a"));
    const halt = haltAt({ way: "back", say: "committed", edge: "before" });
    const relay = await startRelay("tcp://127.0.0.1:0", halt.watch);
    relay.leadTo(owner.to);
    await guest.more(20);
    const sending = startBlkmig(["send", relay.url, "--json", "--from", served.control, "--reconnect-for", "1s"]);
    await halt.reached;
    return { move, options, owner, served, guest, halt, relay, sending, control };
  }

  it("killed, and started again with --resume --nbd, tells it: its clients are passed on", async () => {
    const { move, options, owner, served, guest, halt, relay, sending } = await loseTheAnswer();
    owner.running.process.kill("SIGKILL");
    await owner.running.ended;
    relay.cut();
    halt.release();
    expect(refusal(await sending.ended)).toEqual(refused(4, /not known whether/));
    const next = await startOwner({ ...options, more: ["--resume"] });
    relay.leadTo(next.to);
    const again = await runBlkmig(["send", relay.url, "--json", "--from", served.control, "--resume"]);
    expect([again.code, again.events.at(-1)]).toMatchObject([0, { event: "completed", after: "forward" }]);
    expect(await statusAt(served.control)).toMatchObject({ disks: [{ state: "forwarding" }] });
    await guest.more(50);
    await guest.stop();
    expect([await end(served.running), await end(next.running)]).toEqual([0, 0]);
    expect(guest.missingIn(move.target)).toEqual([]);
  });

  it("serves, and tells it however late it comes to ask", async () => {
    const { move, owner, served, guest, halt, relay, sending } = await loseTheAnswer(["--reconnect-for", "1s"]);
    relay.leadTo("tcp://127.0.0.1:1");
    relay.cut();
    halt.release();
    expect(refusal(await sending.ended)).toEqual(refused(4, /not known whether/));
    await owner.served();
    relay.leadTo(owner.to);
    const again = await runBlkmig(["send", relay.url, "--json", "--from", served.control, "--resume"]);
    expect([again.code, again.stderr]).toEqual([0, ""]);
    await guest.more(50);
    await guest.stop();
    expect([await end(served.running), await end(owner.running)]).toEqual([0, 0]);
    expect(guest.missingIn(move.target)).toEqual([]);
  });

  it("sends whoever else comes away with a sentence, while it serves", async () => {
    const move = prepare();
    const { running, to } = await startOwner({ disks: { a: move.target }, nbd: move.nbd });
    expect(await runBlkmig(["send", to, "--disk", `a=${move.source}`])).toMatchObject({ code: 0 });
    const other = makeDisk(temporaryFolder()("other"), SIZE);
    const late = await runBlkmig(["send", to, "--disk", `a=${other}`, "--reconnect-for", "1s"]);
    expect(refusal(late)).toEqual(refused(3, /the disks here are served already/));
    await assertServed(move, running);
  });
});

describe.skipIf(!hasLibnbd)("an NBD client that only asks (skipped without the program nbdinfo)", () => {
  it("is not warned of; one that wants what is not there is", async () => {
    const disk = makeDisk(temporaryFolder()("disk"), MIB);
    const { running, url } = await startServing({ disks: { a: disk, b: makeDisk(temporaryFolder()("b"), MIB) } });
    execFileSync("nbdinfo", ["--list", url("")], { stdio: "pipe" });
    expect(() => execFileSync("nbdinfo", [url("nobody")], { stdio: "pipe" })).toThrow("nobody");
    running.process.kill("SIGTERM");
    const { events } = await running.ended;
    const warnings = events.filter(({ event }) => event === "warning");
    expect(warnings.map(({ message }) => message)).toEqual([expect.stringMatching(/there is no export 'nobody'/)]);
  });
});
