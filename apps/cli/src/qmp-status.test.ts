import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";

import { openDisk } from "@blkmig/device";
import { openSourceJournal, placeOfRecord, readRecord, type SourceJournal } from "@blkmig/journal";
import { describe, expect, it, onTestFinished } from "vitest";

import { notInSchema } from "./event-schema.test-kit.ts";
import { makeGarbage, MIB } from "./make-disks.test-kit.ts";
import { hasQemu, type Machine, startMachine } from "./qmp-machine.test-kit.ts";
import { startRelay } from "./relay.test-kit.ts";
import { type Ended, refusal, refused, runBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const NOTHING = { exports: [], bitmaps: [] };
/** A process that cannot live: its number is larger than any. */
const DEAD = "blkmig.m1.server.4999999.1";
const CRASHED = ["blkmig.m1.writes.3", "blkmig.m1.mark.stopped", DEAD];

interface Stage {
  readonly path: (name: string) => string;
  readonly machine: Machine;
  readonly disk: string;
  status(...more: readonly string[]): Promise<Ended>;
}

/** One machine with one raw disk `d0`. */
async function setStage(...more: readonly string[]): Promise<Stage> {
  const path = temporaryFolder();
  const disk = makeGarbage(path("it's d0.img"), 4 * MIB);
  const machine = await startMachine({ path, disks: [{ id: "d0", path: disk, format: "raw" }], more });
  return { path, machine, disk, status: (...args) => runBlkmig(["status", "--qmp", machine.url, ...args]) };
}

/** As a run leaves it that is killed: an export in a server, bitmaps, and the guest stopped. */
async function leaveBehind({ machine, path }: Stage, bitmaps: readonly string[] = CRASHED): Promise<void> {
  const { qmp } = machine;
  await qmp.execute("nbd-server-start", { addr: { type: "unix", data: { path: path("nbd") } } });
  await qmp.execute("block-export-add", { type: "nbd", id: "blkmig.m1.disk.0", "node-name": await rootNode(machine) });
  for (const name of bitmaps) await qmp.execute("block-dirty-bitmap-add", { node: "d0", name });
  await qmp.execute("stop");
}

async function rootNode({ qmp }: Machine): Promise<string> {
  const [block] = (await qmp.execute("query-block")) as readonly { readonly inserted: { "node-name": string } }[];
  return block!.inserted["node-name"];
}

async function recordOf(path: string, stateDir?: string) {
  const disk = await openDisk(path, { readOnly: true, lock: false });
  const record = await placeOfRecord(disk, stateDir === undefined ? {} : { stateDir });
  await disk.close();
  return { name: "d0", size: disk.size, record };
}

/** What a sender has on record when it has asked for the commit. */
async function ask(path: string, stateDir?: string): Promise<SourceJournal> {
  const { journal } = await openSourceJournal([await recordOf(path, stateDir)]);
  await journal.begin("m1", { to: "tcp://there:1" });
  await journal.asked(1);
  return journal;
}

/** Only what is told for each migration. */
const cleaned = ({ events }: Ended) => events.filter(({ event }) => event !== "qemu");

describe.skipIf(!hasQemu)("status --qmp (needs qemu-system-x86_64)", { timeout: 60_000 }, () => {
  it("lists the machine and its disks, and which can be moved", async () => {
    const { machine, disk, status } = await setStage();
    const other = temporaryFolder();
    makeGarbage(other("ro"), MIB);
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", other("qcow2"), "64M"]);
    const readOnly = ["-drive", `id=ro,if=none,file=${other("ro")},format=raw,readonly=on`];
    const more = ["-name", "my vm", ...readOnly, "-device", "virtio-blk-pci,drive=ro", "-device", "ide-cd,id=cd"];
    const qcow2 = { id: "d1", path: other("qcow2"), format: "qcow2" } as const;
    const big = await startMachine({ path: other, disks: [qcow2], more });
    const free = { record: "none", state: "free", driver: "file", "backing-depth": 0 };
    const common = { node: expect.any(String), qdev: expect.any(String) };

    const one = await status("--json");
    expect([one.code, one.stderr]).toEqual([0, ""]);
    expect(one.events).toEqual([
      {
        event: "qemu",
        url: machine.url,
        version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        package: expect.any(String),
        status: "running",
        disks: [{ ...free, ...common, ids: ["dev-d0", "d0"], path: disk, size: 4 * MIB, format: "raw" }],
        migrations: [],
      },
    ]);

    const two = await runBlkmig(["status", "--qmp", big.url, "--json"]);
    expect([one, two].flatMap(notInSchema)).toEqual([]);
    expect(two.events[0]).toMatchObject({
      name: "my vm",
      disks: [
        { ids: ["dev-d1", "d1"], size: 64 * MIB, format: "qcow2", path: other("qcow2") },
        { ids: ["ro"], unfit: "left-out", why: "it is read-only" },
        { ids: ["cd"], size: 0, unfit: "left-out", why: "it is empty" },
      ],
    });
    const { code, stdout, stderr } = await runBlkmig(["status", "--qmp", big.url]);
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr.split("\n")).toEqual([
      expect.stringMatching(/^unix:\/\/\/.*vm\.qmp: QEMU \d.*, running, called 'my vm'$/),
      `'dev-d1' (or 'd1'): 64.0 MiB, qcow2, at ${other("qcow2")}: can be moved`,
      `'ro': 1.0 MiB, raw, at ${other("ro")}: left out: it is read-only`,
      "'cd': left out: it is empty",
      "no migration has anything in it",
      "",
    ]);
  });

  it("what is refused says why", async () => {
    const { machine, path, status } = await setStage();
    makeGarbage(path("mirror"), 4 * MIB);
    const job = { device: "d0", target: path("mirror"), sync: "full", mode: "existing", format: "raw", speed: 1 };
    await machine.qmp.execute("drive-mirror", job);
    const { events } = await status("--json");
    const why = (events[0]!["disks"] as readonly { readonly why: string }[])[0]!.why;
    expect(events[0]).toMatchObject({ disks: [{ unfit: "refused" }] });
    expect((await status()).stderr).toContain(`: refused: ${why}\n`);
  });

  it("what a crashed run has left is shown, and is there until --clean, which gives the guest back", async () => {
    const stage = await setStage();
    const { machine, status } = stage;
    await leaveBehind(stage);
    const before = await machine.all();
    const clean = `blkmig status --qmp ${machine.url} --clean`;
    const found = await status("--json");
    const { code, events } = found;
    expect(code).toBe(0);
    expect(events[0]).toMatchObject({ status: "paused" });
    expect(events[0]!["migrations"]).toEqual([
      {
        migration: "m1",
        state: "leftover",
        marks: ["stopped"],
        exports: ["blkmig.m1.disk.0"],
        bitmaps: expect.arrayContaining([{ node: await rootNode(machine), name: DEAD }]),
        server: true,
        clean,
      },
    ]);
    const { stderr } = await status();
    expect(stderr).toMatch(/migration m1 .* left 1 export, 3 dirty bitmaps, its NBD server, and the guest stopped\n/);
    expect(stderr.endsWith(`\n  ${clean}\n`)).toBe(true);
    expect([await machine.all(), await machine.status()]).toEqual([before, "paused"]);

    const done = await status("--clean", "--json");
    expect(done).toMatchObject({ code: 0, stderr: "" });
    expect(done.events.map(({ event }) => event)).toEqual(["qemu", "cleaned"]);
    expect(cleaned(done)).toEqual([{ event: "cleaned", migration: "m1", guest: "running" }]);
    expect([found, done].flatMap(notInSchema)).toEqual([]);
    expect([await machine.all(), await machine.status()]).toEqual([NOTHING, "running"]);
    await expect(machine.qmp.execute("nbd-server-stop")).rejects.toThrow(/not running/);

    const again = await status("--clean");
    expect([again.code, again.stderr]).toEqual([0, expect.stringMatching(/: nothing of blkmig's is left in it\n$/)]);
  });

  it("each of several migrations is cleaned, and told in a sentence", async () => {
    const stage = await setStage();
    await leaveBehind(stage, ["blkmig.m1.writes.1", "blkmig.m1.mark.stopped", "blkmig.m2.writes.1", "others"]);
    const { code, stderr } = await stage.status("--clean");
    expect(code).toBe(0);
    for (const migration of ["m1", "m2"]) {
      expect(stderr).toContain(`what an earlier run of migration ${migration} left was removed, and the guest runs\n`);
    }
    expect(await stage.machine.all()).toEqual({ exports: [], bitmaps: ["others"] });
  });

  it("a guest that was not stopped by us is not resumed", async () => {
    const stage = await setStage();
    await leaveBehind(stage, ["blkmig.m1.writes.1", DEAD]);
    expect((await stage.status()).stderr).toMatch(/left 1 export, 2 dirty bitmaps, its NBD server\n/);
    expect(cleaned(await stage.status("--clean", "--json"))).toEqual([
      { event: "cleaned", migration: "m1", guest: "stopped-by-others" },
    ]);
    expect([await stage.machine.all(), await stage.machine.status()]).toEqual([NOTHING, "paused"]);
  });

  it("one that is under way is refused, and nothing of another's is touched either", async () => {
    const stage = await setStage();
    const { machine, status } = stage;
    const stat = readFileSync("/proc/self/stat", "utf8");
    const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    await leaveBehind(stage, [
      "blkmig.m0.writes.1",
      ...CRASHED.slice(0, 2),
      `blkmig.m1.server.${process.pid}.${start}`,
    ]);
    const before = await machine.all();
    const { events } = await status("--json");
    const migrations = events[0]!["migrations"] as readonly Readonly<Record<string, unknown>>[];
    expect(migrations.find(({ migration }) => migration === "m1")).toMatchObject({
      state: "under-way",
      pid: process.pid,
    });
    const sentence = new RegExp(`migration m1 is under way \\(process ${process.pid}\\)`);
    expect((await status()).stderr).toMatch(sentence);
    expect(refusal(await status("--clean"))).toEqual(refused(3, sentence));
    expect([await machine.all(), await machine.status()]).toEqual([before, "paused"]);
  });

  describe("one in doubt", () => {
    const IN_DOUBT = [...CRASHED, "blkmig.m1.mark.asked"];

    it.each([
      ["keep", "running", "kept"],
      ["gone", "paused", "moved"],
    ] as const)("is left to the commands that are printed, with which %s works", async (verdict, runs, state) => {
      const stage = await setStage();
      const { machine, disk, status } = stage;
      await leaveBehind(stage, IN_DOUBT);
      await ask(disk);
      const lines = ["keep", "gone"].map((word) => `blkmig resolve --qmp ${machine.url} --${word} m1`);
      const looked = (await status("--json")).events[0]!;
      expect(looked).toMatchObject({
        disks: [{ state: "asked", migration: "m1", to: "tcp://there:1", resolve: lines }],
        migrations: [{ state: "in-doubt", resolve: lines }],
      });
      const { stderr } = await status();
      expect(stderr).toContain("  asked: migration m1 to tcp://there:1 was asked to commit");
      for (const line of lines) expect(stderr.split(line)).toHaveLength(2); // once, though two speak of it

      const left = await status("--clean", "--json");
      expect(left.code).toBe(4);
      const message = expect.stringMatching(/its outcome is not known here: the guest stays stopped$/);
      expect(cleaned(left)).toEqual([{ event: "in-doubt", migration: "m1", message, resolve: lines }]);
      expect(await machine.status()).toBe("paused");
      expect(await machine.leftovers()).toMatchObject([{ exports: [], server: false }]);
      expect((await machine.all()).bitmaps.toSorted()).toEqual(["blkmig.m1.mark.asked", "blkmig.m1.mark.stopped"]);

      const line = lines.find((one) => one.includes(verdict))!;
      expect((await runBlkmig(line.split(" ").slice(1))).code).toBe(0);
      expect(await machine.status()).toBe(runs);
      expect(await readRecord(`${disk}.blkmig`)).toMatchObject({ state });
      const after = await status("--clean", "--json");
      expect(after.code).toBe(0);
      const moved = { event: "cleaned", migration: "m1", guest: "left-stopped" };
      expect(cleaned(after)).toEqual(verdict === "keep" ? [] : [moved]);
      expect(await machine.status()).toBe(runs);
      expect(await machine.leftovers()).toMatchObject(
        verdict === "keep" ? [] : [{ marks: expect.arrayContaining(["moved"]) }],
      );
    });

    it("is so by the marks alone, where no record is found", async () => {
      const stage = await setStage();
      await leaveBehind(stage, IN_DOUBT);
      const { code, stderr } = await stage.status("--clean");
      expect(code).toBe(4);
      expect(stderr).toMatch(
        /one of these ends it by hand:\n {2}blkmig resolve --qmp .* --keep m1\n {2}.* --gone m1\n$/,
      );
      expect(await stage.machine.status()).toBe("paused");
    });

    it("is so by the record alone, where the QEMU that had the marks is no more", async () => {
      const { path, disk, status, machine } = await setStage();
      const state = path("state dir");
      await ask(disk, state);
      expect((await status("--clean")).code).toBe(0); // it is elsewhere
      const left = await status("--clean", "--json", "--state-dir", state);
      const line = `blkmig resolve --qmp ${machine.url} --keep m1 --state-dir '${state}'`;
      expect(left.code).toBe(4);
      expect(left.events.at(-1)).toMatchObject({
        event: "in-doubt",
        message: expect.stringContaining("the guest is running"),
        resolve: [line, expect.any(String)],
      });
      expect(await machine.status()).toBe("running");
      expect((await runBlkmig(["resolve", "--qmp", machine.url, "--keep", "m1", "--state-dir", state])).code).toBe(0);
      expect((await status("--clean", "--state-dir", state)).code).toBe(0);
    });

    it.each([
      ["kept", { state: "leftover" }, "running", "running"],
      ["moved", { state: "moved" }, "left-stopped", "paused"],
    ] as const)("is none where the record says %s, and --clean goes by that", async (outcome, seen, guest, status) => {
      const stage = await setStage();
      await leaveBehind(stage, IN_DOUBT);
      const journal = await ask(stage.disk);
      await (outcome === "kept" ? journal.kept() : journal.moved(1, "moved"));
      const { events } = await stage.status("--json");
      expect(events[0]).toMatchObject({ migrations: [seen] });
      const done = await stage.status("--clean", "--json");
      expect([done.code, cleaned(done)]).toEqual([0, [{ event: "cleaned", migration: "m1", guest }]]);
      expect(await stage.machine.status()).toBe(status);
    });
  });

  it.each([
    [
      "may run, says that and how",
      CRASHED,
      '"cont"',
      6,
      /may still be stopped: say `blkmig status .* --clean` again, or `cont`/,
    ],
    [
      "may not run, says no such thing",
      [...CRASHED, "blkmig.m1.mark.asked"],
      '"block-export-del"',
      3,
      /^((?!`cont`).)*$/,
    ],
  ] as const)("a monitor that is lost while a guest is stopped that %s", async (_what, bitmaps, at, code, sentence) => {
    const stage = await setStage();
    const { machine, path } = stage;
    await leaveBehind(stage, bitmaps);
    let isCut = false;
    const relay = await startRelay(`unix://${path("cut.qmp")}`, (way, chunk) => {
      if (isCut || way !== "there" || !chunk.includes(at)) return [chunk];
      isCut = true;
      relay.cut();
      return [];
    });
    relay.leadTo(machine.url);
    const clean = ["status", "--qmp", relay.url, "--clean"];
    expect(refusal(await runBlkmig(clean))).toEqual(refused(code, sentence));
    expect(await machine.status()).toBe("paused");
    const again = await runBlkmig(clean);
    expect([again.code, await machine.status()]).toEqual(code === 6 ? [0, "running"] : [4, "paused"]);
  });

  it("a record that is damaged is said of its disk, and hides nothing else", async () => {
    const stage = await setStage();
    await leaveBehind(stage);
    writeFileSync(`${stage.disk}.blkmig`, "half a rec");
    const { code, events } = await stage.status("--json");
    expect([code, events[0]]).toMatchObject([
      0,
      { disks: [{ state: "unknown", record: "damaged" }], migrations: [{ state: "leftover" }] },
    ]);
  });

  it("a monitor that another program holds is given up soon, and that is said", async () => {
    const { machine, status } = await setStage();
    const holder = connect(machine.url.slice("unix://".length));
    onTestFinished(() => void holder.destroy());
    await new Promise((resolve) => holder.once("data", resolve));
    expect(refusal(await status())).toEqual(refused(3, /vm\.qmp: no greeting within 3 s: .* serves another client/));
  });
});

it("a monitor that is not there, or is none, is refused", async () => {
  const path = temporaryFolder();
  const server = createServer((socket) => socket.end("220 mail.example ESMTP\r\n"));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(path("smtp"), resolve));
  for (const clean of [[], ["--clean"]]) {
    const [smtp, gone] = [`unix://${path("smtp")}`, `unix://${path("nowhere")}`];
    expect(refusal(await runBlkmig(["status", "--qmp", smtp, ...clean]))).toEqual(refused(3, /smtp: .* no QMP/));
    expect(refusal(await runBlkmig(["status", "--qmp", gone, ...clean]))).toEqual(
      refused(3, /nowhere: cannot connect/),
    );
  }
});

it.each([
  [["--qmp", "unix:///x", "--target", "a"], 2, /one at a time/],
  [["--qmp", "unix:///x", "--source", "a"], 2, /one at a time/],
  [["--qmp", "unix:///x", "--control", "a"], 2, /one at a time/],
  [["--clean"], 2, /--clean goes with --qmp URL/],
  [["--clean", "--target", "a"], 2, /--clean goes with --qmp URL/],
  [["--qmp", "unix:///x", "--insecure"], 2, /--insecure does not go with --qmp/],
  [["--qmp", "ws://127.0.0.1:1/x"], 2, /a monitor listens at unix:/],
  [["--qmp", "tcp://192.0.2.1:4444"], 3, /it must run on this one/],
])("status %j is refused", async (args, code, sentence) => {
  expect(refusal(await runBlkmig(["status", ...args]))).toEqual(refused(code, sentence));
});
