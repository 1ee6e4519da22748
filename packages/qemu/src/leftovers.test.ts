import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, describe, expect, it } from "vitest";

import { connectQmp } from "./connect-qmp.ts";
import { cutAfter, wasWhole } from "./cut-qmp.test-kit.ts";
import type { CleanOptions, Leftover } from "./leftovers-contract.ts";
import { cleanLeftover, findLeftovers } from "./leftovers.ts";
import type { Mark } from "./live-contract.ts";
import { type ModelState, startModelledQemu } from "./modelled-qemu.test-kit.ts";
import { formatName } from "./names.ts";
import { HandClock } from "./qmp-clock.test-kit.ts";

const folder = mkdtempSync(join(tmpdir(), "blkmig-leftovers-"));
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});
afterAll(() => rmSync(folder, { recursive: true }));

const M = "m-1";
const mark = (name: Mark, migration = M) => ({
  node: "disk0",
  name: formatName(migration, { is: "mark", mark: name }),
});
const claim = (pid: number, start: string) => ({ node: "disk0", name: formatName(M, { is: "server", pid, start }) });
const writes = (pass: number, node: string) => ({ node, name: formatName(M, { is: "writes", pass }) });
const exported = (disk: number) => ({ id: formatName(M, { is: "disk", disk }), type: "nbd" });
const pass = (n: number, disk: number) => ({
  id: formatName(M, { is: "pass", pass: n, disk }),
  type: "nbd",
  bitmap: writes(n, "").name,
});
/** Of a process that is no more: no machine is up for so long. */
const DEAD = claim(1, "99999999999999");

/** All that a migration can have in a QEMU besides its marks. */
const everything = () => ({
  server: true,
  exports: [exported(0), exported(1), pass(4, 0), pass(4, 1)],
  bitmaps: [DEAD, ...[4, 5].flatMap((n) => [writes(n, "disk0"), writes(n, "disk1")])],
});

async function modelled(begin: Partial<ModelState>) {
  const { state, monitor } = await startModelledQemu(join(folder, `qmp${ends.length}`), begin);
  ends.push(monitor.close);
  const qmp = await connectQmp(monitor.address);
  ends.push(() => qmp.close());
  const changes = () => monitor.calls.map(({ command }) => command).filter((command) => !command.startsWith("query-"));
  return { state, qmp, changes };
}

/** As if found long ago: what is there is looked at when it is cleaned. */
const named = (migration: string): Leftover => ({
  migration,
  marks: [],
  exports: [],
  bitmaps: [],
  server: false,
  owner: undefined,
});

/** What a test asks of the end, and no more. */
const endOf = ({ status, server, exports, bitmaps }: ModelState) => ({
  status,
  server,
  exports: exports.map(({ id }) => id),
  bitmaps: bitmaps.map(({ name }) => name).toSorted(),
});
const NOTHING = { server: false, exports: [], bitmaps: [] };

it("finds what carries our names, by migration, and nothing else", async () => {
  const { exports, bitmaps } = everything();
  const { qmp, changes } = await modelled({
    exports: [...exports, { id: "theirs", type: "nbd" }, { id: "blkmig", type: "nbd" }],
    bitmaps: [...bitmaps, mark("stopped"), mark("asked", "other")],
  });
  expect(await findLeftovers(qmp)).toEqual([
    {
      migration: M,
      marks: ["stopped"],
      exports: exports.map(({ id }) => id),
      // As QEMU tells of them: node by node.
      bitmaps: [DEAD, writes(4, "disk0"), writes(5, "disk0"), mark("stopped"), writes(4, "disk1"), writes(5, "disk1")],
      server: true,
      owner: undefined,
    },
    {
      migration: "other",
      marks: ["asked"],
      exports: [],
      bitmaps: [mark("asked", "other")],
      server: false,
      owner: undefined,
    },
  ]);
  expect(changes()).toEqual([]);
});

describe("the guest", () => {
  const table: readonly {
    readonly when: string;
    readonly marks: readonly Mark[];
    readonly state: Partial<ModelState>;
    readonly options?: CleanOptions;
    readonly guest: string;
    readonly status: string;
    readonly left?: readonly Mark[];
  }[] = [
    { when: "runs, and was never touched", marks: [], state: {}, guest: "running", status: "running" },
    {
      when: "was stopped by us",
      marks: ["stopped"],
      state: { status: "paused" },
      guest: "running",
      status: "running",
    },
    {
      when: "was about to be stopped, or has been resumed",
      marks: ["stopped"],
      state: {},
      guest: "running",
      status: "running",
    },
    {
      when: "was stopped by others",
      marks: [],
      state: { status: "paused" },
      guest: "stopped-by-others",
      status: "paused",
    },
    {
      when: "was stopped by us, and shut down",
      marks: ["stopped"],
      state: { status: "shutdown" },
      guest: "stopped-by-others",
      status: "shutdown",
    },
    {
      when: "was stopped by us, and moved away by others",
      marks: ["stopped"],
      state: { status: "postmigrate", migration: "completed" },
      guest: "stopped-by-others",
      status: "postmigrate",
    },
    {
      when: "was to move with its memory, which has not begun",
      marks: ["machine"],
      state: {},
      guest: "running",
      status: "running",
    },
    {
      when: "runs, and its memory is on its way",
      marks: ["machine"],
      state: { migration: "active" },
      guest: "running",
      status: "running",
    },
    {
      when: "waits at pre-switchover",
      marks: ["machine"],
      state: { status: "finish-migrate", migration: "pre-switchover" },
      guest: "running",
      status: "running",
    },
    {
      when: "waits at pre-switchover, and its migration fails while it is cancelled",
      marks: ["machine"],
      state: {
        status: "finish-migrate",
        migration: "device",
        cancelled: { migration: "failed", status: "running" },
      },
      guest: "running",
      status: "running",
    },
    {
      when: "has come over completely while it is cancelled, and nobody was asked to commit",
      marks: ["stopped", "machine", "before-rpe-300"],
      state: {
        status: "finish-migrate",
        migration: "device",
        cancelled: { migration: "completed", status: "postmigrate" },
      },
      guest: "running",
      status: "running",
    },
    {
      when: "has come over completely, and nobody was asked to commit",
      marks: ["stopped", "machine", "before-p-"],
      state: { status: "postmigrate", migration: "completed" },
      guest: "running",
      status: "running",
    },
    {
      when: "did not run when it began to move, and has come over completely",
      marks: ["machine"],
      state: { status: "postmigrate", migration: "completed" },
      guest: "stopped-by-others",
      status: "postmigrate",
    },
    {
      when: "was stopped by us before its memory went, which failed",
      marks: ["stopped", "machine"],
      state: { status: "postmigrate", migration: "failed" },
      guest: "running",
      status: "running",
    },
    {
      when: "was stopped by others before its memory went",
      marks: ["machine"],
      state: {
        status: "finish-migrate",
        migration: "pre-switchover",
        cancelled: { migration: "cancelled", status: "paused" },
      },
      guest: "stopped-by-others",
      status: "paused",
    },
    {
      when: "was stopped by others before its memory went, as 7.2 says it",
      marks: ["machine"],
      state: { status: "postmigrate", migration: "cancelled" },
      guest: "stopped-by-others",
      status: "postmigrate",
    },
    {
      when: "is stopped, and commit was asked for",
      marks: ["stopped", "asked"],
      state: { status: "paused" },
      guest: "left-stopped",
      status: "paused",
      left: ["asked", "stopped"],
    },
    {
      when: "is over there, and commit was asked for",
      marks: ["stopped", "machine", "before-rpe-300", "asked"],
      state: { status: "postmigrate", migration: "completed" },
      guest: "left-stopped",
      status: "postmigrate",
      left: ["asked", "before-rpe-300", "machine", "stopped"],
    },
    {
      when: "is stopped, commit was asked for, and the disks are here",
      marks: ["stopped", "asked"],
      state: { status: "paused" },
      options: { outcome: "kept" },
      guest: "running",
      status: "running",
    },
    {
      when: "is over there, commit was asked for, and the disks are here",
      marks: ["stopped", "machine", "before-rpe-300", "asked"],
      state: { status: "postmigrate", migration: "completed" },
      options: { outcome: "kept" },
      guest: "running",
      status: "running",
    },
    {
      when: "is stopped, commit was asked for, and the disks have moved",
      marks: ["stopped", "asked"],
      state: { status: "paused" },
      options: { outcome: "moved" },
      guest: "left-stopped",
      status: "paused",
      left: ["moved", "stopped"],
    },
    {
      when: "is stopped, and its disks have moved",
      marks: ["stopped", "moved"],
      state: { status: "paused" },
      guest: "left-stopped",
      status: "paused",
      left: ["moved", "stopped"],
    },
    {
      when: "is stopped, and its disks have moved, whatever is said now",
      marks: ["asked", "moved"],
      state: { status: "paused" },
      options: { outcome: "kept" },
      guest: "left-stopped",
      status: "paused",
      left: ["moved"],
    },
    {
      when: "is stopped, and somebody else goes on",
      marks: ["stopped", "asked"],
      state: { status: "paused" },
      options: { takeOver: true },
      guest: "left-stopped",
      status: "paused",
      left: ["asked", "stopped"],
    },
    {
      when: "waits at pre-switchover, and somebody else goes on",
      marks: ["machine"],
      state: { status: "finish-migrate", migration: "pre-switchover" },
      options: { takeOver: true },
      guest: "left-stopped",
      status: "finish-migrate",
      left: ["machine"],
    },
  ];

  const begun = ({ marks, state }: (typeof table)[number]) => {
    const all = everything();
    return { ...all, ...state, bitmaps: [...all.bitmaps, ...marks.map((each) => mark(each))] };
  };
  const expected = ({ status, left = [] }: (typeof table)[number]) => ({
    ...NOTHING,
    status,
    bitmaps: left.map((each) => mark(each).name).toSorted(),
  });

  it.each(table)("that $when is $guest", async (row) => {
    const { state, qmp, changes } = await modelled(begun(row));
    expect(await cleanLeftover(qmp, named(M), row.options)).toBe(row.guest);
    expect(endOf(state)).toEqual(expected(row));
    const before = changes().length;
    await cleanLeftover(qmp, named(M), row.options);
    expect(
      changes()
        .slice(before)
        .filter((command) => command !== "nbd-server-stop"),
    ).toEqual([]);
  });

  it.each(table)("that $when comes to the same end if the cleaner is cut off, at whatever step", async (row) => {
    for (let step = 1, isWhole = false; !isWhole; step += 1) {
      const { state, qmp } = await modelled(begun(row));
      isWhole = await wasWhole(cleanLeftover(cutAfter(qmp, step), named(M), row.options));
      await cleanLeftover(qmp, named(M), row.options);
      expect([step, endOf(state)]).toEqual([step, expected(row)]);
    }
  });
});

it("puts back what QEMU was told for a machine's move, and nothing else, at whatever step a cleaner was cut off", async () => {
  const state = { status: "finish-migrate", migration: "pre-switchover" } as const;
  for (let step = 1, isWhole = false; !isWhole; step += 1) {
    const bitmaps = [mark("machine"), mark("before-pe-250")];
    const { state: now, qmp } = await modelled({ ...state, bitmaps });
    isWhole = await wasWhole(cleanLeftover(cutAfter(qmp, step), named(M)));
    expect(await cleanLeftover(qmp, named(M))).toBe("running");
    expect([step, [...now.capabilities], now.downtimeLimit]).toEqual([step, ["return-path", "xbzrle"], 250]);
    expect(now.bitmaps).toEqual([]);
  }
});

it("once told that the disks have moved, no later cleaner resumes the guest, whatever it is told", async () => {
  for (let step = 1, isWhole = false; !isWhole; step += 1) {
    const all = everything();
    const bitmaps = [...all.bitmaps, mark("stopped"), mark("asked")];
    const { state, qmp } = await modelled({ ...all, status: "paused", bitmaps });
    isWhole = await wasWhole(cleanLeftover(cutAfter(qmp, step), named(M), { outcome: "moved" }));
    expect(await cleanLeftover(qmp, named(M))).toBe("left-stopped");
    if (state.bitmaps.some(({ name }) => name === mark("moved").name)) {
      expect(await cleanLeftover(qmp, named(M), { outcome: "kept" })).toBe("left-stopped");
    }
    expect(state.status).toBe("paused");
  }
});

it("stops no NBD server in which others have exports, and one that no longer runs is no failure", async () => {
  const theirs = { id: "theirs", type: "nbd" };
  const { state, qmp, changes } = await modelled({ server: true, exports: [exported(0), theirs], bitmaps: [DEAD] });
  expect(await cleanLeftover(qmp, named(M))).toBe("running");
  expect(endOf(state)).toEqual({ status: "running", server: true, exports: ["theirs"], bitmaps: [] });
  expect(changes()).toEqual(["block-export-del", "block-dirty-bitmap-remove"]);

  const other = await modelled({ exports: [{ id: "disk", type: "vhost-user-blk" }], bitmaps: [DEAD] });
  await cleanLeftover(other.qmp, named(M));
  expect(other.changes()).toEqual(["nbd-server-stop", "block-dirty-bitmap-remove"]);
});

it("never touches a server, a migration or a guest that no name calls ours", async () => {
  const begin: Partial<ModelState> = { server: true, status: "finish-migrate", migration: "pre-switchover" };
  const { qmp, changes } = await modelled({ ...begin, bitmaps: [writes(1, "disk0")], exports: [exported(0)] });
  expect(await cleanLeftover(qmp, named(M))).toBe("stopped-by-others");
  expect(changes()).toEqual(["block-export-del", "block-dirty-bitmap-remove"]);
});

it("cleans one migration, and leaves another's", async () => {
  const others = [mark("stopped", "other"), { node: "disk1", name: formatName("other", { is: "writes", pass: 1 }) }];
  const { state, qmp } = await modelled({ status: "paused", bitmaps: [writes(1, "disk1"), ...others] });
  expect(await cleanLeftover(qmp, named(M))).toBe("stopped-by-others");
  expect(state.bitmaps).toEqual(others);
  expect(await cleanLeftover(qmp, named("other"))).toBe("running");
  expect(state.bitmaps).toEqual([]);
});

describe("whose process", () => {
  /** Counted from the end, of 52 fields: the name in front may hold anything. */
  const startOf = (pid: number) =>
    readFileSync(`/proc/${pid}/stat`, "utf8")
      .trim()
      .split(" ")
      .at(22 - 1 - 52)!;
  const begin = (pid: number, start: string): Partial<ModelState> => {
    const all = everything();
    return { ...all, status: "paused", bitmaps: [...all.bitmaps, claim(pid, start), mark("stopped")] };
  };

  async function started(script: string): Promise<string> {
    const child = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
    ends.push(async () => {
      const ended = once(child, "close");
      child.kill("SIGKILL");
      await ended;
    });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    return line.toString().trim();
  }

  it("lives is under way: nothing of it is touched", async () => {
    // It calls itself what would be taken for the end of its name, and for the state of a dead one.
    const pid = Number(await started("echo 'x) Z 1 (y' > /proc/$$/comm; echo $$; read line"));
    const { qmp, changes } = await modelled(begin(pid, startOf(pid)));
    expect(await findLeftovers(qmp)).toMatchObject([{ migration: M, server: true, owner: pid }]);
    for (const options of [{}, { takeOver: true }, { outcome: "kept" as const }]) {
      await expect(cleanLeftover(qmp, named(M), options)).rejects.toMatchObject({
        name: "QemuError",
        code: "busy",
        message: expect.stringContaining(`process ${pid}`),
      });
    }
    expect(changes()).toEqual([]);
  });

  it("has a number that another one has by now is dead", async () => {
    const { qmp } = await modelled(begin(process.pid, String(Number(startOf(process.pid)) - 1)));
    expect(await findLeftovers(qmp)).toMatchObject([{ server: true, owner: undefined }]);
    expect(await cleanLeftover(qmp, named(M))).toBe("running");
  });

  it("is this very one may clean what it has left", async () => {
    const { qmp, state } = await modelled(begin(process.pid, startOf(process.pid)));
    expect(await findLeftovers(qmp)).toMatchObject([{ owner: process.pid }]);
    expect(await cleanLeftover(qmp, named(M))).toBe("running");
    expect(endOf(state)).toEqual({ ...NOTHING, status: "running" });
  });

  it("has ended and was not buried is dead", async () => {
    // What `sh` has started is killed once `sh` has become a program that waits for nobody.
    const [pid = 0, parent] = (await started("sleep 1000 & echo $! $$; exec sleep 1000")).split(" ").map(Number);
    await until(() => readFileSync(`/proc/${parent}/comm`, "utf8") === "sleep\n");
    process.kill(pid, "SIGKILL");
    await until(() => readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "));
    const { qmp } = await modelled(begin(pid, startOf(pid)));
    expect(await findLeftovers(qmp)).toMatchObject([{ owner: undefined }]);
    expect(await cleanLeftover(qmp, named(M))).toBe("running");
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

describe("what does not end", () => {
  /** All the time that it may take, at once. */
  async function inTheEnd<T>(clock: HandClock, settling: Promise<T>): Promise<T> {
    let isOver = false;
    const end = (): void => void (isOver = true);
    settling.then(end, end);
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      clock.pass(100);
    }
    return settling;
  }

  it("an export: the guest runs nevertheless, and another cleaner removes the rest", async () => {
    const clock = new HandClock();
    const all = everything();
    const { state, qmp } = await modelled({
      ...all,
      status: "paused",
      exports: [{ ...exported(0), isStuck: true }, exported(1)],
      bitmaps: [...all.bitmaps, mark("stopped")],
    });
    await expect(inTheEnd(clock, cleanLeftover(qmp, named(M), { clock }))).rejects.toMatchObject({
      name: "QemuError",
      code: "timeout",
    });
    expect(endOf(state)).toMatchObject({ status: "running", exports: [exported(0).id] });
    delete state.exports[0]!.isStuck;
    expect(await cleanLeftover(qmp, named(M))).toBe("running");
    expect(endOf(state)).toEqual({ ...NOTHING, status: "running" });
  });

  it.each<[string, Partial<ModelState>]>([
    ["a migration that cannot be cancelled", { migration: "postcopy-active", cancelled: undefined }],
    ["a guest that QEMU does not let go of", { migration: "pre-switchover", hangs: true }],
  ])("%s: the mark stays, and nobody resumes the guest", async (_, begin) => {
    const clock = new HandClock();
    const bitmaps = [mark("machine")];
    const { state, qmp, changes } = await modelled({ status: "finish-migrate", ...begin, bitmaps });
    await expect(inTheEnd(clock, cleanLeftover(qmp, named(M), { clock }))).rejects.toMatchObject({
      name: "QemuError",
      code: "migration",
    });
    expect([changes(), state.bitmaps]).toEqual([["migrate_cancel"], [mark("machine")]]);
  });
});
