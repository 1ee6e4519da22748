import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, describe, expect, it } from "vitest";

import { connectQmp } from "./connect-qmp.ts";
import { type FakeHandler, type FakeMonitor, FakeRefusal, startFakeMonitor } from "./fake-monitor.test-kit.ts";
import { QemuError } from "./qemu-error.ts";
import { HandClock } from "./qmp-clock.test-kit.ts";
import type { ConnectQmpOptions, Qmp, QmpAddress, QmpEvent } from "./qmp-contract.ts";

const folder = mkdtempSync(join(tmpdir(), "blkmig-qmp-"));
const ends: (() => unknown)[] = [];
let sockets = 0;
const freshPath = (): string => join(folder, `${(sockets += 1)}.qmp`);

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function monitor(handlers: Record<string, FakeHandler> = {}, version = "10.0.2"): Promise<FakeMonitor> {
  const started = await startFakeMonitor({ path: freshPath(), handlers, version });
  ends.push(started.close);
  return started;
}

async function connected(address: QmpAddress, options?: ConnectQmpOptions): Promise<Qmp> {
  const qmp = await connectQmp(address, options);
  ends.push(qmp.close);
  return qmp;
}

/** Somebody who is no QEMU, or a strange one: `serve` has each client's socket. */
async function peer(serve: (socket: Socket) => void): Promise<QmpAddress> {
  const path = freshPath();
  const clients: Socket[] = [];
  const server = createServer((socket) => {
    clients.push(socket);
    socket.on("error", () => undefined);
    serve(socket);
  }).listen(path);
  await once(server, "listening");
  ends.push(() => {
    for (const socket of clients) socket.destroy();
    server.close();
  });
  return { kind: "unix", path };
}

const GREETING = '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}}}\r\n';

/** Greets, takes capabilities, and hands all later lines to `serve`. */
async function qemuPeer(serve: (command: { readonly id: string }, socket: Socket) => void): Promise<QmpAddress> {
  return peer((socket) => {
    socket.write(GREETING);
    let isReady = false;
    socket.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split("\n")) {
        const command = JSON.parse(line) as { readonly id: string };
        if (isReady) serve(command, socket);
        else socket.write(`${JSON.stringify({ return: {}, id: command.id })}\n`);
        isReady = true;
      }
    });
  });
}

/** Until something holds that the event loop will bring about. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("connecting", () => {
  it("settles with the version when the monitor takes commands", async () => {
    const { address, calls } = await monitor({ "query-status": () => ({ status: "running" }) }, "7.2.22");
    const qmp = await connected(address);
    expect(qmp.version).toEqual({ major: 7, minor: 2, micro: 22, package: "" });
    expect(qmp.url).toMatch(/^unix:\/\/\/.+\.qmp$/u);
    expect(await qmp.execute("query-status")).toEqual({ status: "running" });
    expect(calls).toEqual([{ command: "query-status", args: {} }]);
  });

  it("works over TCP too, with the words of the distribution", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.write(GREETING);
      socket.on("data", (chunk: Buffer) => {
        const { id } = JSON.parse(chunk.toString()) as { id: string };
        socket.write(JSON.stringify({ return: {}, id }));
        socket.end("\n");
      });
    }).listen(0, "127.0.0.1");
    ends.push(() => server.close());
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const qmp = await connected({ kind: "tcp", host: "127.0.0.1", port });
    expect(qmp.url).toBe(`tcp://127.0.0.1:${port}`);
    expect(qmp.version.package).toBe("Debian");
  });

  it("says `gone` where nobody listens", async () => {
    const path = freshPath();
    const connecting = connectQmp({ kind: "unix", path });
    await expect(connecting).rejects.toThrow(QemuError);
    await expect(connecting).rejects.toMatchObject({ code: "gone", url: `unix://${path}`, cause: { code: "connect" } });
    await expect(connecting).rejects.toThrow(/^unix:\/\/\S+: cannot connect: no such file or directory \(ENOENT\)$/u);
  });

  it.each([
    ["a human monitor", "QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) "],
    ["a server that ends no line", "NBDMAGICIHAVEOPT"],
    ["JSON that is no QMP", '{"hello": "world"}\n'],
    ["a greeting without a version", '{"QMP": {"version": "7.2"}}\n'],
    ["half of JSON", '{"QMP": \n'],
  ])("says `no-qmp` to %s", async (_, words) => {
    const address = await peer((socket) => socket.write(words));
    const connecting = connectQmp(address);
    await expect(connecting).rejects.toMatchObject({ code: "no-qmp" });
    await expect(connecting).rejects.toThrow(/speaks no QMP: it says "/u);
  });

  it("reads no more than a limit of a line that does not end", async () => {
    let sent = 0;
    const address = await peer((socket) => {
      socket.write("{");
      const more = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(1 << 20, 0x20))) sent += 1;
        if (!socket.destroyed) socket.once("drain", more);
      };
      more();
    });
    await expect(connectQmp(address)).rejects.toMatchObject({
      code: "no-qmp",
      message: expect.stringMatching(/a line of more than 16777216 bytes/u) as string,
    });
    expect(sent).toBeLessThan(64);
  });

  it("says `gone`, in one sentence, to an answer of arrays in arrays in arrays", async () => {
    const deep = 2_000_000;
    const address = await qemuPeer(({ id }, socket) => {
      socket.write(`{"id":${JSON.stringify(id)},"return":${"[".repeat(deep)}${"]".repeat(deep)}}\n`);
    });
    const qmp = await connected(address);
    await expect(qmp.execute("query")).rejects.toMatchObject({
      code: "gone",
      message: expect.stringMatching(/speaks no QMP: a line of more than 1024 levels$/u) as string,
    });
  });

  it("says `timeout` to one that is silent, and lets go of it", async () => {
    const clock = new HandClock();
    let [hasCome, hasHungUp] = [false, false];
    const address = await peer((socket) => {
      hasCome = true;
      socket.resume().once("end", () => (hasHungUp = true));
    });
    const connecting = connectQmp(address, { clock, timeoutMs: 5000 });
    connecting.catch(() => undefined);
    await until(() => hasCome);
    await turns(40); // until it waits for the greeting
    clock.pass(5000);
    await expect(connecting).rejects.toMatchObject({ code: "timeout" });
    await expect(connecting).rejects.toThrow("no greeting within 5 s");
    await until(() => hasHungUp);
    expect(clock.sleepers).toBe(0);
  });

  it("says `timeout` to one that greets and takes no capabilities", async () => {
    const clock = new HandClock();
    let hasAsked = false;
    const address = await peer((socket) => {
      socket.write(GREETING);
      socket.once("data", () => (hasAsked = true));
    });
    const connecting = connectQmp(address, { clock, timeoutMs: 5000 });
    connecting.catch(() => undefined);
    await until(() => hasAsked);
    clock.pass(5000);
    await expect(connecting).rejects.toMatchObject({ code: "timeout" });
  });

  it("says `gone` to one that closes before it greets", async () => {
    const address = await peer((socket) => socket.end());
    await expect(connectQmp(address)).rejects.toMatchObject({ code: "gone" });
  });

  it("is ended by its signal, and the connection is not", async () => {
    const reason = new Error("changed my mind");
    const { address } = await monitor({ stop: () => ({}) });
    await expect(connectQmp(address, { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      code: "gone",
      cause: reason,
    });
    for (const passed of [0, 1, 40]) {
      const silent = new AbortController();
      const waiting = connectQmp(await peer(() => undefined), { signal: silent.signal });
      waiting.catch(() => undefined);
      await turns(passed);
      silent.abort(reason);
      await expect(waiting).rejects.toMatchObject({ code: "gone", cause: reason });
    }
    const controller = new AbortController();
    const qmp = await connected(address, { signal: controller.signal });
    controller.abort(reason);
    expect(await qmp.execute("stop")).toEqual({});
  });

  it("waits until another client has gone", async () => {
    const { address } = await monitor({ stop: () => ({}) });
    const first = await connected(address);
    const second = connected(address);
    await first.execute("stop");
    first.close();
    expect(await (await second).execute("stop")).toEqual({});
  });
});

describe("commands", () => {
  it("run side by side, and each has its own answer", async () => {
    const answers = new Map<string, (value: unknown) => void>();
    const { address } = await monitor({
      get: async ({ which }) => new Promise((resolve) => answers.set(which as string, resolve)),
    });
    const qmp = await connected(address);
    const asked = ["a", "b", "c"].map(async (which) => qmp.execute("get", { which }));
    await until(() => answers.size === 3);
    for (const which of ["c", "a", "b"]) answers.get(which)!({ which });
    expect(await Promise.all(asked)).toEqual([{ which: "a" }, { which: "b" }, { which: "c" }]);
  });

  it("that QEMU refuses throw its class and its words", async () => {
    const { address } = await monitor({
      stop: () => {
        throw new FakeRefusal("not now", "DeviceNotActive");
      },
    });
    const qmp = await connected(address);
    await expect(qmp.execute("stop")).rejects.toMatchObject({
      code: "refused",
      qemuClass: "DeviceNotActive",
      message: `${qmp.url}: stop: not now`,
    });
    await expect(qmp.execute("go")).rejects.toMatchObject({ code: "refused", qemuClass: "CommandNotFound" });
  });

  it("time out by the clock, and an answer that comes late is dropped", async () => {
    const clock = new HandClock();
    let answerSlow: (value: unknown) => void = () => undefined;
    const { address, calls } = await monitor({
      slow: async () => new Promise((resolve) => (answerSlow = resolve)),
      quick: () => "quick",
    });
    const qmp = await connected(address, { clock });
    const slow = qmp.execute("slow", {}, { timeoutMs: 200 });
    slow.catch(() => undefined);
    await until(() => calls.length === 1);
    clock.pass(200);
    await expect(slow).rejects.toMatchObject({ code: "timeout" });
    await expect(slow).rejects.toThrow("slow: no answer within 0.2 s");
    answerSlow("late");
    expect(await qmp.execute("quick")).toBe("quick");
    expect(clock.sleepers).toBe(0);
  });

  it("under way are `gone` when the connection is cut, and so are later ones", async () => {
    const { address, calls, cut } = await monitor({ wait: async () => new Promise(() => undefined) });
    const qmp = await connected(address);
    const waiting = [qmp.execute("wait"), qmp.execute("wait")];
    for (const command of waiting) command.catch(() => undefined);
    await until(() => calls.length === 2);
    cut();
    for (const command of waiting) await expect(command).rejects.toMatchObject({ code: "gone" });
    expect(qmp.ended.aborted).toBe(true);
    expect(qmp.ended.reason).toMatchObject({ code: "gone", url: qmp.url });
    await expect(qmp.execute("wait")).rejects.toThrow("wait: not asked: the monitor has closed");
  });

  it("under way are `gone` when the peer speaks QMP no longer", async () => {
    const address = await qemuPeer((_, socket) => socket.write('{"return": {}\r\n'));
    const qmp = await connected(address);
    await expect(qmp.execute("stop")).rejects.toMatchObject({ code: "gone" });
    expect(qmp.ended.reason).toMatchObject({ code: "gone" });
  });

  it("are answered by their ids alone: answers to others, and errors without an id, are nobody's", async () => {
    const address = await qemuPeer(({ id }, socket) => {
      socket.write('{"return": "another\'s", "id": "libvirt-7"}\n{"return": "without"}\n');
      socket.write('{"error": {"class": "GenericError", "desc": "JSON parse error"}}\n');
      socket.write(`${JSON.stringify({ return: "ours", id })}\n`);
    });
    const qmp = await connected(address);
    expect(await qmp.execute("stop")).toBe("ours");
  });

  it("and all that comes with them survive a wire that is cut everywhere", async () => {
    const address = await qemuPeer(({ id }, socket) => {
      const bytes = Buffer.from(`{"event":"DÜ€😀"}\r\n${JSON.stringify({ return: "ü€😀", id })}\r\n`);
      const send = (at: number): void => {
        socket.write(bytes.subarray(at, at + 1));
        if (at < bytes.length) setImmediate(() => send(at + 1));
      };
      socket.setNoDelay(true);
      send(0);
    });
    const qmp = await connected(address);
    const events = qmp.events();
    expect(await qmp.execute("stop")).toBe("ü€😀");
    expect(await events.next()).toEqual({ done: false, value: { event: "DÜ€😀", data: {}, at: 0 } });
  });
});

describe("events", () => {
  it("come to those that watch, in order, until they stop", async () => {
    const { address, emit } = await monitor({ sync: () => ({}) });
    const qmp = await connected(address);
    const [all, some, none, late]: [QmpEvent[], string[], string[], string[]] = [[], [], [], []];
    let hasAdded = false;
    qmp.watch((event) => all.push(event));
    const leave = qmp.watch(({ event }) => {
      some.push(event);
      if (event === "RESUME") leave();
      if (event === "STOP") leaveOther(); // before that one's turn
      if (!hasAdded) qmp.watch((later) => late.push(later.event));
      hasAdded = true;
    });
    const leaveOther = qmp.watch(({ event }) => none.push(event));
    for (const event of ["STOP", "RESUME", "SHUTDOWN"]) emit(event, { guest: true });
    await qmp.execute("sync");
    expect(all).toEqual(
      ["STOP", "RESUME", "SHUTDOWN"].map((event) => ({ event, data: { guest: true }, at: 1_700_000_000_250 })),
    );
    expect(some).toEqual(["STOP", "RESUME"]);
    expect(none).toEqual([]);
    expect(late).toEqual(["RESUME", "SHUTDOWN"]);
  });

  it("are kept for whoever asks later, in order, and end with the connection", async () => {
    const { address, emit, cut } = await monitor({ sync: () => ({}) });
    const qmp = await connected(address);
    emit("BEFORE");
    await qmp.execute("sync");
    const events = qmp.events();
    for (const event of ["A", "B", "C"]) emit(event);
    await qmp.execute("sync");
    cut();
    await until(() => qmp.ended.aborted);
    const seen: string[] = [];
    for await (const { event } of events) seen.push(event);
    expect(seen).toEqual(["A", "B", "C"]);
    expect(await qmp.events().next()).toEqual({ done: true, value: undefined });
  });

  it("without end hold up no answer, and cost nothing where nobody keeps them", async () => {
    const address = await qemuPeer(({ id }, socket) => {
      for (let block = 0; block < 100; block++) socket.write('{"event":"X"}\n'.repeat(1000));
      socket.write(`${JSON.stringify({ return: "here", id })}\n`);
    });
    const qmp = await connected(address);
    let seen = 0;
    qmp.watch(() => void (seen += 1));
    expect(await qmp.execute("query")).toBe("here");
    expect(seen).toBe(100_000);
  });

  it.each([
    ["too many", '{"event":"X"}\n'.repeat(1000), 11],
    ["too large", `{"event":"X","data":{"x":"${"x".repeat(1 << 20)}"}}\n`, 17],
  ])("of which %s are kept unread end the connection, in one sentence", async (_, lines, times) => {
    const address = await qemuPeer((_command, socket) => {
      for (let count = 0; count < times; count++) socket.write(lines);
    });
    const qmp = await connected(address);
    const events = qmp.events();
    await expect(qmp.execute("query")).rejects.toMatchObject({
      code: "gone",
      message: expect.stringMatching(/more events than anybody has asked for$/u) as string,
    });
    let kept = 0;
    for await (const { event } of events) kept += event === "X" ? 1 : 0;
    expect(kept).toBeGreaterThan(0); // what has come is still there
  });

  it("end for whoever waits for one, when it returns or the connection closes", async () => {
    const { address } = await monitor();
    const qmp = await connected(address);
    const [one, other] = [qmp.events(), qmp.events()];
    const waiting = [one.next(), other.next(), other.next()];
    await one.return?.();
    expect(await waiting[0]).toEqual({ done: true, value: undefined });
    qmp.close();
    for (const end of waiting) expect(await end).toEqual({ done: true, value: undefined });
  });
});

describe("closing", () => {
  it("ends the commands under way and the signal, at once, and twice is once", async () => {
    const { address } = await monitor({ wait: async () => new Promise(() => undefined) });
    const qmp = await connected(address);
    const waiting = qmp.execute("wait");
    waiting.catch(() => undefined);
    qmp.close();
    expect(qmp.ended.reason).toMatchObject({ code: "gone" });
    const { reason } = qmp.ended as { reason: unknown };
    qmp.close();
    expect(qmp.ended.reason).toBe(reason);
    await expect(waiting).rejects.toThrow("closed by this side");
  });
});
