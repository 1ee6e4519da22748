import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

import { openDisk } from "@blkmig/device";
import { HAND_OVER } from "@blkmig/protocol";
import { expect, it, onTestFinished } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { hasQemuNbd } from "./nbd-servers.test-kit.ts";
import { type HandOverSender, startHandOverSender } from "./receive-hand-over.test-kit.ts";
import { refusal, refused, runBlkmig, type Running, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const AT = "tcp://127.0.0.1:0";
const SIZE = 3 * MIB;
const hasQemu = spawnSync("qemu-system-x86_64", ["--version"]).status === 0;
const recordOf = (disk: string): unknown => JSON.parse(readFileSync(`${disk}.blkmig`, "utf8"));

interface Moving {
  readonly path: (name: string) => string;
  readonly source: string;
  readonly target: string;
  readonly receiver: Running;
  readonly sender: HandOverSender;
}

/** A sender that has offered to hand over, and was welcomed. */
async function startMoving(options: {
  target?: string;
  path?: Moving["path"];
  more?: readonly string[];
}): Promise<Moving> {
  const { path = temporaryFolder(), more = [] } = options;
  const target = options.target ?? makeGarbage(path("target"), SIZE);
  const source = makeDisk(path("source"), SIZE);
  const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${target}`, ...more]);
  const sender = await startHandOverSender(await receiver.url(), source);
  return { path, source, target, receiver, sender };
}

/** What commits, and ends the receiver. */
async function commit({ sender, receiver }: Moving): Promise<void> {
  await sender.say({ say: "commit", attempt: 1 });
  expect(await sender.heard("committed")).toMatchObject({ attempt: 1 });
  await sender.say({ say: "done", attempt: 1 });
  await sender.finish();
  const received = await receiver.ended;
  expect(received.code).toBe(0);
  expect(received.events.at(-1)).toMatchObject({ event: "completed", migration: "m-1", proved: true, answered: true });
}

/** A program that is killed with the test. */
function start(program: string, args: readonly string[]): ChildProcess {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", program, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

it("sealed, its targets are whole and another program's to lock, and it commits without them", async () => {
  const moving = await startMoving({});
  const { source, target, sender } = moving;
  expect(await sender.heard("welcome")).toMatchObject({ features: [HAND_OVER] });
  await expect(openDisk(target)).rejects.toMatchObject({ code: "in-use" });
  await sender.sendAll(1);
  await sender.heard("sealed");
  expect(recordOf(target)).toMatchObject({ state: "sealed", attempt: 1 });
  expect(sameFiles(source, target)).toBe(true);
  const theirs = await openDisk(target);
  onTestFinished(async () => theirs.close());
  expect(theirs.locked).toBe(true);
  await commit(moving);
  expect(recordOf(target)).toMatchObject({ state: "committed" });
});

it("people are told that the targets are let go of, and for whom", async () => {
  const path = temporaryFolder();
  const target = makeGarbage(path("target"), SIZE);
  const at = path("receive.sock");
  const receiver = startBlkmig(["receive", `unix://${at}`, "--disk", `a=${target}`]);
  const told = (what: string): Promise<string> =>
    new Promise((resolve) => {
      let said = "";
      receiver.process.stderr!.on("data", (text: string) => {
        said += text;
        if (said.includes(what)) resolve(said);
      });
    });
  const letGo = told("let go of");
  await told("listening at");
  const sender = await startHandOverSender(`unix://${at}`, makeDisk(path("source"), SIZE));
  await sender.heard("welcome");
  await sender.sendAll(1);
  await sender.heard("sealed");
  expect(await letGo).toMatch(
    /everything is here; the targets are let go of, for the QEMU that the machine moves to$/m,
  );
});

it("a first block that is withheld is on its target when it is sealed", async () => {
  const path = temporaryFolder();
  const moving = await startMoving({ path, more: ["--state-dir", path("state")] });
  await moving.sender.heard("welcome");
  await moving.sender.sendAll(1);
  await moving.sender.heard("sealed");
  expect(sameFiles(moving.source, moving.target)).toBe(true);
  expect(readdirSync(path("state")).filter((name) => name.endsWith(".block0"))).toEqual([]);
  await commit(moving);
});

it("aborted after that it has failed: the targets stay where they are, marked, and --resume is told", async () => {
  const path = temporaryFolder();
  const { target, sender, receiver } = await startMoving({ path, target: path("made"), more: ["--create"] });
  await sender.heard("welcome");
  await sender.sendAll(1);
  await sender.heard("sealed");
  const theirs = await openDisk(target);
  onTestFinished(async () => theirs.close());
  await sender.say({ say: "abort", attempt: 1 });
  await sender.heard("aborted");
  expect(await sender.heard("failed")).toMatchObject({ code: "incomplete" });
  await sender.finish();
  const received = await receiver.ended;
  expect(refusal(received)).toEqual(
    refused(1, /targets had been handed over; --resume goes on with it \(the targets are not complete\)/),
  );
  expect(received.events.at(-1)).toMatchObject({ event: "failed", code: "incomplete" });
  expect(existsSync(target)).toBe(true);
  expect(recordOf(target)).toMatchObject({ state: "aborted", attempt: 1 });
});

it("a verdict by hand, of what nobody locks any more, is not overwritten: it is in doubt", async () => {
  const { target, sender, receiver } = await startMoving({});
  await sender.heard("welcome");
  await sender.sendAll(1);
  await sender.heard("sealed");
  expect((await runBlkmig(["resolve", "--target", target, "--abort", "m-1"])).code).toBe(0);
  await sender.say({ say: "commit", attempt: 1 });
  expect(await sender.heard("committed")).toBeUndefined();
  await sender.finish();
  expect(refusal(await receiver.ended)).toEqual(refused(4, /somebody else has decided meanwhile: .* says aborted/));
  expect(recordOf(target)).toMatchObject({ state: "aborted" });
});

it("with --nbd it is refused: disks that a QEMU takes cannot be served", async () => {
  const path = temporaryFolder();
  const more = ["--nbd", `nbd+unix:///?socket=${path("nbd.sock")}`];
  const { target, sender, receiver } = await startMoving({ path, more });
  const sentence = /--nbd: this sender moves a whole machine: its disks are handed over .* cannot be served here/;
  expect(await sender.heard("refused")).toMatchObject({ message: expect.stringMatching(sentence) });
  await sender.finish();
  expect(refusal(await receiver.ended)).toEqual(refused(3, sentence));
  expect(readFileSync(target).every((byte) => byte === 0xee)).toBe(true);
});

it.skipIf(!hasQemuNbd)(
  "a qemu-nbd that ends with its client has ended when it is sealed (skipped without it)",
  async () => {
    const path = temporaryFolder();
    const image = makeGarbage(path("image"), SIZE);
    const server = start("qemu-nbd", ["-f", "raw", "-k", path("nbd.sock"), image]);
    const ended = once(server, "exit");
    while (!existsSync(path("nbd.sock"))) await wait(5);
    const target = `nbd+unix:///?socket=${path("nbd.sock")}`;
    const moving = await startMoving({ path, target, more: ["--state-dir", path("state")] });
    await moving.sender.heard("welcome");
    await moving.sender.sendAll(1);
    await moving.sender.heard("sealed");
    await ended;
    expect(sameFiles(moving.source, image)).toBe(true);
    await commit(moving);
  },
);

it.skipIf(!hasQemu)(
  "a target that a QEMU has open, which waits for its machine, is taken (skipped without it)",
  async () => {
    const path = temporaryFolder();
    const target = makeGarbage(path("target"), SIZE);
    const drive = ["-drive", `id=d0,if=none,file=${target},format=raw`, "-device", "virtio-blk-pci,drive=d0"];
    const machine = ["-accel", "tcg", "-nodefaults", "-display", "none", "-M", "pc", "-m", "64M", ...drive];
    const qemu = start("qemu-system-x86_64", [...machine, "-S", "-incoming", "defer", "-qmp", "stdio"]);
    await once(qemu.stdout!, "data"); // its greeting: by then it has opened its disk
    const open = readdirSync(`/proc/${qemu.pid}/fd`).map((fd) => readlinkSync(`/proc/${qemu.pid}/fd/${fd}`));
    expect(open).toContain(target);
    const moving = await startMoving({ path, target });
    await moving.sender.heard("welcome");
    await moving.sender.sendAll(1);
    await moving.sender.heard("sealed");
    await commit(moving);
    expect(sameFiles(moving.source, target)).toBe(true);
  },
);
