import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";

import { describe, expect, it, onTestFinished } from "vitest";

import { notInSchema } from "./event-schema.test-kit.ts";
import { haltAt, type Place } from "./halt.test-kit.ts";
import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { hasQemu, type Machine, type MachineDisk, startMachine } from "./qmp-machine.test-kit.ts";
import { startRelay } from "./relay.test-kit.ts";
import { refusal, refused, runBlkmig, type Running, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const SIZE = 12 * MIB;
/** No pause of a busy machine that runs tests is too long. */
const PATIENT = ["--downtime-limit", "20s"];
const NOTHING = { exports: [], bitmaps: [] };

interface Stage {
  readonly path: (name: string) => string;
  readonly machine: Machine;
  readonly source: string;
  readonly target: string;
  readonly env: Readonly<Record<string, string>>;
  receive(at?: string, ...more: readonly string[]): Promise<Running>;
  send(to: string, ...more: readonly string[]): Running;
}

/** One machine with one raw disk `d0`, and a target full of garbage. */
async function setStage(disks: readonly MachineDisk[] = []): Promise<Stage> {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), SIZE, 7);
  const target = makeGarbage(path("target"), SIZE);
  const machine = await startMachine({ path, disks: [{ id: "d0", path: source, format: "raw" }, ...disks] });
  const env = { BLKMIG_STATE_DIR: path("state") };
  return {
    path,
    machine,
    source,
    target,
    env,
    async receive(at = "tcp://127.0.0.1:0", ...more) {
      const receiver = startBlkmig(["receive", at, "--json", "--disk", `d0=${target}`, ...more], { env });
      await receiver.url();
      return receiver;
    },
    send: (to, ...more) =>
      startBlkmig(["send", to, "--json", ...PATIENT, "--qmp", machine.url, "--disk", "d0=d0", ...more], { env }),
  };
}

/** A sender that stands still at a place on its way. */
async function startHalted(place: Place, more: readonly string[] = [], disks: readonly MachineDisk[] = []) {
  const stage = await setStage(disks);
  const halt = haltAt(place);
  const relay = await startRelay("tcp://127.0.0.1:0", halt.watch);
  const receiver = await stage.receive();
  relay.leadTo(await receiver.url());
  const sender = stage.send(relay.url, ...more);
  await halt.reached;
  return { ...stage, halt, relay, receiver, sender };
}

const recordOf = (disk: string): unknown => JSON.parse(readFileSync(`${disk}.blkmig`, "utf8"));
const MID_BULK: Place = { way: "there", byte: 4 * MIB };
const PAUSED: Place = { way: "there", say: "seal", edge: "before" };
const ASKED: Place = { way: "there", say: "commit", edge: "before" };

describe.skipIf(!hasQemu)("send --qmp (needs qemu-system-x86_64)", { timeout: 60_000 }, () => {
  it("of a qcow2 with --incremental only what stands above its base goes, zeroes that hide the base too", async () => {
    const path = temporaryFolder();
    const base = makeDisk(path("base"), 4 * MIB, 3);
    const words = ["create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", path("top")];
    execFileSync("qemu-img", words);
    const target = makeDisk(path("target"), 4 * MIB, 3);
    const machine = await startMachine({ path, disks: [{ id: "d0", path: path("top"), format: "qcow2" }] });
    await machine.write("d0", 0x42, MIB, 65536);
    await machine.qmp.execute("human-monitor-command", { "command-line": 'qemu-io d0 "write -z 2M 64k"' });
    const env = { BLKMIG_STATE_DIR: path("state") };
    const disk = ["--disk", `d0=${target}`, "--incremental"];
    const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", ...disk], { env });
    const to = await receiver.url();
    const sent = await runBlkmig(
      ["send", to, "--json", ...PATIENT, "--qmp", machine.url, "--disk", "d0", "--incremental", "--after", "cont"],
      { env },
    );
    expect(sent.code).toBe(0);
    expect(sent.events.at(-1)).toMatchObject({
      event: "completed",
      disks: [{ name: "d0", "data-bytes": 65536, "zero-bytes": 65536 }],
    });
    await machine.qmp.execute("quit").catch(() => {}); // it holds the lock
    execFileSync("qemu-img", ["compare", "-U", "-f", "qcow2", "-F", "raw", path("top"), target]);
  });

  it("a disk in a folder that QEMU alone knows is not recorded beside it, and that is said; it is known as moved all the same", async () => {
    const path = temporaryFolder();
    makeDisk(path("here.img"), MIB, 9);
    const machine = await startMachine({ path, disks: [{ id: "d0", path: "here.img", format: "raw" }] });
    const env = { BLKMIG_STATE_DIR: path("state") };
    const disk = ["--disk", `d0=${path("target")}`, "--create"];
    const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", ...disk], { env });
    const words = ["send", await receiver.url(), "--json", ...PATIENT, "--qmp", machine.url, "--disk", "d0=d0"];
    const sent = await runBlkmig(words, { env });
    expect(sent.code).toBe(0);
    const message = expect.stringMatching(/^disk 'd0': here\.img is a path in a folder that QEMU alone knows: /u);
    expect(sent.events).toContainEqual(expect.objectContaining({ event: "warning", message }));
    expect(existsSync(path("here.img.blkmig"))).toBe(false);
    await machine.qmp.execute("cont"); // an operator who does not know: what QEMU was told is asked first, then the record
    expect(await runBlkmig(words, { env })).toMatchObject({ code: 3 });
  });

  it("all disks go, as of one moment, and the guest stays stopped: none is sent again unasked", async () => {
    const path = temporaryFolder();
    const raw = makeDisk(path("raw"), 4 * MIB, 8);
    execFileSync("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, path("qcow2")]);
    const stage = await setStage([{ id: "d1", path: path("qcow2"), format: "qcow2" }]);
    const { machine, source, target, env } = stage;
    await machine.write("d0", 0x55, 65536, 65536);
    const both = ["--disk", `dev-d0=${target}`, "--disk", `dev-d1=${path("copy")}`, "--create"];
    const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", ...both], { env });
    const sent = await runBlkmig(["send", await receiver.url(), "--json", ...PATIENT, "--qmp", machine.url], { env });
    expect(sent).toMatchObject({ code: 0, stderr: "" });
    expect(sent.events.at(-1)).toMatchObject({
      event: "completed",
      proved: true,
      guest: "stopped",
      total: SIZE + 4 * MIB,
    });
    const received = await receiver.ended;
    expect(received.code).toBe(0);
    expect([sent, received].flatMap(notInSchema)).toEqual([]);
    expect(sameFiles(source, target)).toBe(true);
    expect(sameFiles(raw, path("copy"))).toBe(true);
    expect(await machine.status()).toBe("paused");
    expect(await machine.leftovers()).toMatchObject([{ marks: ["moved"], exports: [], server: false }]);
    expect(recordOf(source)).toMatchObject({ state: "moved" });
    expect(recordOf(path("qcow2"))).toMatchObject({ role: "source", disk: "dev-d1" });

    const again = await stage.send("tcp://127.0.0.1:1").ended;
    expect(refusal(again)).toEqual(refused(3, /its disks have moved, .*: --force moved sends what is left here/));
  });

  it("after cont the guest goes on, each disk stays one of its own, and goes once more", async () => {
    const { machine, source, target, receive, send } = await setStage();
    for (const pattern of [0x11, 0x22]) {
      await machine.write("d0", pattern, 0, 4096);
      const receiver = await receive();
      const sent = await send(await receiver.url(), "--after", "cont").ended;
      expect(sent).toMatchObject({ code: 0, stderr: "" });
      expect(sent.events.at(-1)).toMatchObject({ event: "completed", guest: "running" });
      expect((await receiver.ended).code).toBe(0);
      expect(sameFiles(source, target)).toBe(true);
      expect(await machine.status()).toBe("running");
      expect(await machine.all()).toEqual(NOTHING);
      expect(recordOf(source)).toMatchObject({ state: "cloned" });
    }
  });

  it("what is written while it goes on is sent again", async () => {
    const { machine, source, target, halt, sender, receiver } = await startHalted(MID_BULK, ["--after", "cont"]);
    await machine.write("d0", 0x33, 0, 65536);
    await machine.write("d0", 0x44, SIZE - 65536, 65536);
    halt.release();
    expect((await sender.ended).code).toBe(0);
    expect((await receiver.ended).code).toBe(0);
    expect(sameFiles(source, target)).toBe(true);
  });

  it("killed with the guest stopped, it is resumed, and nothing is left; --resume goes on", async () => {
    const { machine, source, target, sender, halt, relay, receiver, send } = await startHalted(PAUSED);
    expect(await machine.status()).toBe("paused");
    sender.process.kill("SIGKILL");
    const killed = await sender.ended; // the watchdog has its stderr, and ends it
    expect(killed.stderr).toMatch(/what an earlier run of .* left was removed, and the guest runs/);
    expect(await machine.status()).toBe("running");
    expect(await machine.all()).toEqual(NOTHING);
    relay.cut();
    halt.release();
    await machine.write("d0", 0x77, MIB, MIB);
    const { migration } = recordOf(source) as { readonly migration: string };
    const sent = await send(relay.url, "--resume").ended;
    expect(sent.events.at(-1)).toMatchObject({ event: "completed", migration, guest: "stopped" });
    expect((await receiver.ended).code).toBe(0);
    expect(sameFiles(source, target)).toBe(true);
  });

  it("a watchdog that was killed, too, leaves it to the next run, which says so", async () => {
    const { machine, source, target, sender, halt, relay, receiver, receive, send } = await startHalted(PAUSED);
    killChildrenOf(sender.pid);
    sender.process.kill("SIGKILL");
    await sender.ended;
    receiver.process.kill("SIGKILL");
    await receiver.ended;
    relay.cut();
    halt.release();
    expect(await machine.status()).toBe("paused");
    expect(await machine.leftovers()).toMatchObject([{ marks: ["stopped"], server: true, owner: undefined }]);
    const next = await receive("tcp://127.0.0.1:0", "--force", "incomplete");
    const sent = await send(await next.url(), "--after", "cont").ended;
    expect(sent.events).toContainEqual({
      event: "warning",
      message: expect.stringMatching(/what an earlier run of .* left was removed, and the guest runs/),
    });
    expect(sent.code).toBe(0);
    expect(await machine.all()).toEqual(NOTHING);
    expect(await machine.status()).toBe("running");
    expect(sameFiles(source, target)).toBe(true);
  });

  it.each([
    ["back", "welcome", "sending"],
    ["back", "ready", "sending"],
    ["back", "sealed", "sending"],
    ["there", "commit", "asked"],
    ["back", "committed", "asked"],
    ["there", "done", "moved"],
  ] as const)("killed where %s goes '%s', with '%s' on record", async (way, say, state) => {
    for (const after of state === "sending" ? (["hold"] as const) : (["hold", "cont"] as const)) {
      const { machine, source, sender, halt } = await startHalted({ way, say, edge: "before" }, ["--after", after]);
      if (say === "done") await machine.untilStatus(after === "cont" ? "running" : "paused");
      sender.process.kill("SIGKILL");
      await sender.ended;
      halt.release();
      const isOurs = state === "sending" || (state === "moved" && after === "cont");
      expect(recordOf(source)).toMatchObject({ state: state === "moved" && after === "cont" ? "cloned" : state });
      expect(await machine.status()).toBe(isOurs ? "running" : "paused");
      const marks = (await machine.leftovers()).flatMap((left) => left.marks).toSorted();
      if (state === "asked") expect(marks).toEqual(["asked", "stopped"]);
      else if (!isOurs) expect(marks).toContain("moved");
      else expect(await machine.all()).toEqual(NOTHING);
    }
  });

  describe("killed when commit was asked for", () => {
    async function inDoubt(disks: readonly MachineDisk[] = []) {
      const stage = await startHalted(ASKED, [], disks);
      stage.sender.process.kill("SIGKILL");
      const killed = await stage.sender.ended;
      expect(killed.stderr).toMatch(/its outcome is not known here: the guest stays stopped/);
      stage.relay.cut();
      stage.halt.release();
      expect(await stage.machine.status()).toBe("paused");
      expect(await stage.machine.all()).toMatchObject({ exports: [] });
      const { migration } = recordOf(stage.source) as { readonly migration: string };
      return { ...stage, migration };
    }

    it("the guest stays stopped, another run is refused, and --resume learns the outcome", async () => {
      const { machine, source, target, relay, receiver, send, migration } = await inDoubt();
      const unasked = await send(relay.url).ended;
      expect(refusal(unasked)).toEqual(
        refused(3, new RegExp(`--resume .* \`blkmig resolve --qmp unix:.* --keep ${migration}\``)),
      );
      expect(await machine.status()).toBe("paused");
      const sent = await send(relay.url, "--resume").ended;
      expect(sent.events.at(-1)).toMatchObject({ event: "completed", migration, guest: "stopped" });
      expect((await receiver.ended).code).toBe(0);
      expect(sameFiles(source, target)).toBe(true);
      expect(await machine.leftovers()).toMatchObject([{ marks: ["moved"], exports: [], server: false }]);
    });

    it("--resume with other disks is refused, and changes nothing", async () => {
      const { machine, source, relay, env } = await inDoubt([
        { id: "d1", path: makeDisk(temporaryFolder()("d1"), MIB), format: "raw" },
      ]);
      const resume = ["send", relay.url, "--qmp", machine.url, "--resume"];
      const more = await runBlkmig(resume, { env });
      expect(refusal(more)).toEqual(refused(3, /disk 'dev-d0': .* which has other disks than these/));
      const other = await runBlkmig([...resume, "--disk", "d1"], { env });
      expect(refusal(other)).toEqual(refused(3, /say --resume with the disks of that one/));
      expect(await machine.status()).toBe("paused");
      expect(recordOf(source)).toMatchObject({ state: "asked" });
    });

    it("--resume that finds no receiver is in doubt still, and leaves the guest stopped", async () => {
      const { machine, send, relay, receiver, migration } = await inDoubt();
      receiver.process.kill("SIGKILL");
      await receiver.ended;
      const sent = await send(relay.url, "--resume", "--reconnect-for", "0ms").ended;
      expect(sent.code).toBe(4);
      expect(sent.events.at(-1)).toMatchObject({
        event: "in-doubt",
        migration,
        resolve: [expect.stringMatching(/resolve --qmp .* --keep/), expect.stringMatching(/--gone/)],
      });
      expect(await machine.status()).toBe("paused");
      const [left] = await machine.leftovers();
      expect(left).toMatchObject({ exports: [], server: false });
      expect(left!.marks.toSorted()).toEqual(["asked", "stopped"]);
    });

    it.each([
      ["--keep", "running", "kept"],
      ["--gone", "paused", "moved"],
    ] as const)("resolve --qmp %s: the guest is %s", async (verdict, status, state) => {
      const { machine, source, migration, env } = await inDoubt();
      const done = await runBlkmig(["resolve", "--qmp", machine.url, verdict, migration, "--json"], { env });
      expect(done).toMatchObject({ code: 0, stderr: "" });
      expect(await machine.status()).toBe(status);
      expect(recordOf(source)).toMatchObject({ state });
      if (verdict === "--keep") expect(await machine.all()).toEqual(NOTHING);
      const again = await runBlkmig(["resolve", "--qmp", machine.url, verdict, "another"], { env });
      expect(refusal(again)).toEqual(refused(3, /no disk here is in migration another/));
    });
  });

  it.each([
    ["in the middle", MID_BULK],
    ["with the guest stopped", PAUSED],
  ] as const)("cancelled %s the guest runs on, and nothing is left", async (_when, place) => {
    const { machine, source, sender, halt } = await startHalted(place);
    sender.process.kill("SIGINT");
    halt.release();
    const sent = await sender.ended;
    expect(sent.code).toBe(130);
    expect(await machine.status()).toBe("running");
    expect(await machine.all()).toEqual(NOTHING);
    expect(recordOf(source)).toMatchObject({ state: "sending" });
  });

  it("a receiver that is gone for good when commit was asked for: in doubt, and the guest stays stopped", async () => {
    const { machine, source, sender, halt, relay, receiver } = await startHalted(ASKED, ["--reconnect-for", "0ms"]);
    receiver.process.kill("SIGKILL");
    await receiver.ended;
    relay.cut();
    halt.release();
    const sent = await sender.ended;
    expect(sent.code).toBe(4);
    expect(sent.events.at(-1)).toMatchObject({
      event: "in-doubt",
      resolve: [/--qmp .* --keep/, /--gone/].map(matching),
    });
    expect(await machine.status()).toBe("paused");
    const [left] = await machine.leftovers();
    expect(left).toMatchObject({ exports: [], server: false });
    expect(left!.marks.toSorted()).toEqual(["asked", "stopped"]);
    expect(recordOf(source)).toMatchObject({ state: "asked" });
  });

  it("a receiver that is gone for good ends it, and the guest runs on", async () => {
    const { machine, sender, halt, relay, receiver } = await startHalted(PAUSED, ["--reconnect-for", "0ms"]);
    receiver.process.kill("SIGKILL");
    await receiver.ended;
    relay.cut();
    halt.release();
    expect(await sender.ended).toMatchObject({ code: 1 });
    expect(await machine.status()).toBe("running");
    expect(await machine.all()).toEqual(NOTHING);
  });

  it("a monitor that is cut with the guest stopped: the guest is lost, and a watchdog gives it back", async () => {
    const { path, machine, source, target, env, receive } = await setStage();
    const halt = haltAt(PAUSED);
    const relay = await startRelay("tcp://127.0.0.1:0", halt.watch);
    relay.leadTo(await (await receive()).url());
    const monitor = await startRelay(`unix://${path("cut.qmp")}`);
    monitor.leadTo(machine.url);
    const sender = startBlkmig(["send", relay.url, "--json", "--qmp", monitor.url, "--disk", "d0=d0"], { env });
    await halt.reached;
    monitor.cut();
    halt.release();
    const sent = await sender.ended;
    expect(sent.code).toBe(6);
    expect(sent.events.at(-1)).toMatchObject({ message: expect.stringMatching(/blkmig status --qmp unix:.* --clean/) });
    expect(sent.stderr).toMatch(/left was removed, and the guest runs/);
    expect(await machine.status()).toBe("running");
    expect(await machine.all()).toEqual(NOTHING);
    expect(recordOf(source)).toMatchObject({ state: "sending" });
    expect(sameFiles(source, target)).toBe(true); // all had come, and that does not make it moved
  });

  it("a receiver that is not there is refused, and QEMU has not heard of it", async () => {
    const { machine, source, send } = await setStage();
    expect(refusal(await send("tcp://127.0.0.1:1").ended)).toEqual(refused(3, /127\.0\.0\.1:1/));
    expect(await machine.all()).toEqual(NOTHING);
    expect(existsSync(`${source}.blkmig`)).toBe(false);
  });

  it("one that is under way is no leftover: by another monitor a second run is refused", async () => {
    const { machine, source, target, sender, halt, receiver, env } = await startHalted(MID_BULK);
    const second = await runBlkmig(["send", "tcp://127.0.0.1:1", "--qmp", machine.otherUrl], { env });
    expect(refusal(second)).toEqual(refused(3, new RegExp(`is under way \\(process ${sender.pid}\\)`)));
    const byHand = ["resolve", "--qmp", machine.otherUrl, "--keep", (await machine.leftovers())[0]!.migration];
    expect(refusal(await runBlkmig(byHand, { env }))).toEqual(refused(3, /stop it first/));
    halt.release();
    expect((await sender.ended).code).toBe(0);
    expect((await receiver.ended).code).toBe(0);
    expect(sameFiles(source, target)).toBe(true);
  });

  it("what cannot change is left out, and said", async () => {
    const path = temporaryFolder();
    const disks = [{ id: "d0", path: makeDisk(path("source"), MIB), format: "raw" }] as const;
    const machine = await startMachine({ path, disks, more: ["-device", "ide-cd,id=cd0"] });
    const to = ["receive", "tcp://127.0.0.1:0", "--json", "--disk", `dev-d0=${path("target")}`, "--create"];
    const receiver = startBlkmig(to);
    const sent = await runBlkmig(["send", await receiver.url(), "--qmp", machine.url]);
    expect(sent.code).toBe(0);
    expect(sent.stderr).toMatch(/^warning: disk 'cd0' is left out: /m);
    expect((await receiver.ended).code).toBe(0);
    expect(sameFiles(path("source"), path("target"))).toBe(true);
  });

  it("a guest that others have stopped stays so", async () => {
    const { machine, receive, send } = await setStage();
    await machine.qmp.execute("stop");
    const receiver = await receive();
    expect((await send(await receiver.url(), "--after", "cont").ended).code).toBe(0);
    expect(await machine.status()).toBe("paused");
    expect(await machine.all()).toEqual(NOTHING);
  });

  it("another one's NBD server is in the way, and is let be", async () => {
    const { machine, path, receive, send } = await setStage();
    const addr = { type: "unix", data: { path: path("theirs") } };
    await machine.qmp.execute("nbd-server-start", { addr });
    const receiver = await receive();
    expect(refusal(await send(await receiver.url()).ended)).toEqual(refused(3, /NBD server/));
    expect(await machine.all()).toEqual(NOTHING);
    await machine.qmp.execute("nbd-server-stop"); // it ran still
  });

  it("a disk that is not there is refused by name, with what there is", async () => {
    const { machine, env } = await setStage();
    const sent = await runBlkmig(["send", "tcp://127.0.0.1:1", "--qmp", machine.url, "--disk", "d9"], { env });
    expect(refusal(sent)).toEqual(refused(3, /no disk is called 'd9': the machine has dev-d0/));
  });

  it("whoever speaks no QMP is refused", async () => {
    const path = temporaryFolder();
    const server = createServer((socket) => socket.end("220 mail.example ESMTP\r\n"));
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(path("smtp"), resolve));
    const sent = await runBlkmig(["send", "tcp://127.0.0.1:1", "--qmp", `unix://${path("smtp")}`]);
    expect(refusal(sent)).toEqual(refused(3, /smtp: /));
  });
});

const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

function killChildrenOf(pid: number): void {
  const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" });
  for (const child of children.split("\n").filter((line) => line.trim() !== "")) process.kill(Number(child), "SIGKILL");
}
