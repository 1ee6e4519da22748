import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, renameSync } from "node:fs";
import { createServer } from "node:net";

import { openDisk } from "@blkmig/device";
import { openSourceJournal, openTargetJournal, placeOfRecord } from "@blkmig/journal";
import { openNbd, parseNbdUrl } from "@blkmig/nbd";
import { describe, expect, it, onTestFinished } from "vitest";

import { startCheckedGuest } from "./live/checked-writes.test-kit.ts";
import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { hasNbdkit, startNbdkit } from "./nbd-servers.test-kit.ts";
import { refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { hasLibnbd, startServing } from "./serving.test-kit.ts";

const SIZE = 8 * MIB;

describe.skipIf(!hasLibnbd)("blkmig serve (skipped without the programs nbdinfo and nbdcopy)", () => {
  it("serves each disk by its name, a single one by none too, and copies in and out", async () => {
    const path = temporaryFolder();
    const [a, b] = [makeDisk(path("a"), SIZE, 1), makeGarbage(path("b"), SIZE)];
    const { running, url } = await startServing({ disks: { a, b } });
    const list = JSON.parse(execFileSync("nbdinfo", ["--json", "--list", url("")], { encoding: "utf8" })) as {
      readonly exports: readonly Record<string, unknown>[];
    };
    expect(list.exports.map((each) => [each["export-name"], each["export-size"]])).toEqual([
      ["a", SIZE],
      ["b", SIZE],
    ]);
    execFileSync("nbdcopy", [url("a"), path("copy")]);
    expect(sameFiles(a, path("copy"))).toBe(true);
    execFileSync("nbdcopy", ["--flush", path("copy"), url("b")]);
    expect(sameFiles(a, b)).toBe(true);
    running.process.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
    const one = await startServing({ disks: { a } });
    expect(execFileSync("nbdinfo", ["--size", one.url("")], { encoding: "utf8" }).trim()).toBe(String(SIZE));
  });

  it("read-only lets nobody write, and two may serve it", async () => {
    const a = makeDisk(temporaryFolder()("a"), SIZE);
    const first = await startServing({ disks: { a }, more: ["--read-only"] });
    await startServing({ disks: { a }, more: ["--read-only"] });
    expect(() => execFileSync("nbdinfo", ["--is", "read-only", first.url("a")])).not.toThrow();
    expect(() => execFileSync("nbdcopy", [a, first.url("a")], { stdio: "pipe" })).toThrow(/read-?only/);
  });
});

describe("blkmig serve", () => {
  it("ended by SIGTERM under load loses no write that was acknowledged, and leaves no socket", async () => {
    const a = makeGarbage(temporaryFolder()("a"), SIZE);
    const { running, dial, control } = await startServing({ disks: { a } });
    const guest = startCheckedGuest(await dial("a"));
    await guest.more(300);
    running.process.kill("SIGTERM");
    const { code, events } = await running.ended;
    await guest.stop();
    expect([code, events.at(-1)]).toEqual([0, { event: "stopped", why: "signal" }]);
    expect(guest.missingIn(a)).toEqual([]);
    expect(existsSync(control)).toBe(false);
    const next = await startServing({ disks: { a } });
    expect(await next.status()).toMatchObject({ disks: [{ state: "local" }] });
  });

  it("says who comes and goes, and where it is, in plain lines", async () => {
    const path = temporaryFolder();
    const a = makeDisk(path("a"), SIZE);
    const words = ["--nbd", "nbd://127.0.0.1:0", "--nbd", `nbd+unix:///?socket=${path("n")}`, "--control", path("c")];
    const running = startBlkmig(["serve", "--disk", `a=${a}`, ...words], { eventsAt: 2 });
    let text = "";
    running.process.stderr!.on("data", (chunk: string) => (text += chunk));
    const ended = running.ended.then(() => {
      throw new Error(`ended: ${text}`);
    });
    ended.catch(() => {}); // as it shall, in the end
    const until = async (said: string): Promise<void> => {
      while (!text.includes(said)) await Promise.race([once(running.process.stderr!, "data"), ended]);
    };
    await until("controlled at");
    expect(text).toMatch(/^listening at nbd:\/\/127\.0\.0\.1:\d+\nlistening at nbd\+unix:\/\/\/\?socket=/);
    const client = await openNbd(parseNbdUrl(`nbd+unix:///a?socket=${path("n")}`));
    await client.close();
    await until("left disk 'a'");
    expect(text).toMatch(/uses disk 'a'\n(.*\n)*.*left disk 'a'\n/);
    running.process.kill("SIGINT");
    const { code, stderr } = await running.ended;
    expect([code, stderr]).toEqual([0, expect.stringMatching(/everything is flushed, and let go of\n$/)]);
  });

  it("a disk that another process has is refused, unless that danger is taken on", async () => {
    const a = makeDisk(temporaryFolder()("a"), SIZE);
    const { control } = await startServing({ disks: { a } });
    const words = ["serve", "--disk", `a=${a}`, "--nbd", "nbd://127.0.0.1:0"];
    expect(refusal(await runBlkmig(words))).toEqual(refused(3, /--force in-use/));
    const forced = await startServing({ disks: { a }, more: ["--force", "in-use"] });
    expect(await forced.status()).toMatchObject({ disks: [{ name: "a", state: "local" }] });
    const other = makeDisk(temporaryFolder()("b"), SIZE);
    const there = await runBlkmig([
      "serve",
      "--disk",
      `b=${other}`,
      "--nbd",
      "nbd://127.0.0.1:0",
      "--control",
      control,
    ]);
    expect(refusal(there)).toEqual(refused(3, /is in use: somebody listens there/));
  });

  it("a control socket that a dead server left is replaced", async () => {
    const path = temporaryFolder();
    const dead = createServer().listen(path("tmp"));
    await once(dead, "listening");
    renameSync(path("tmp"), path("control"));
    dead.close();
    const a = makeDisk(path("a"), SIZE);
    const words = ["--nbd", `nbd+unix:///?socket=${path("n")}`, "--control", path("control")];
    const running = startBlkmig(["serve", "--json", "--disk", `a=${a}`, ...words]);
    await running.until(({ event }) => event === "serving");
    const { code, stderr } = await runBlkmig(["status", "--control", `unix://${path("control")}`]);
    expect([code, stderr]).toEqual([0, expect.stringContaining(`'a': ${a}, 8.0 MiB: local`)]);
  });

  it("what is not finished, in doubt, twice the same or of no whole sectors is refused, and nothing is served", async () => {
    const path = temporaryFolder();
    const serve = async (...disks: readonly string[]) =>
      refusal(await runBlkmig(["serve", ...disks.flatMap((disk) => ["--disk", disk]), "--nbd", "nbd://127.0.0.1:0"]));
    const target = makeDisk(path("target"), SIZE);
    const { journal: begun } = await openTargetJournal([await recordable(target)]);
    await begun.begin("m1");
    expect(await serve(`a=${target}`)).toEqual(refused(3, /target of migration m1, .* --force incomplete/));
    const source = makeDisk(path("source"), SIZE);
    const { journal: asked } = await openSourceJournal([await recordable(source)]);
    await asked.begin("m2");
    await asked.asked(1);
    expect(await serve(`a=${source}`)).toEqual(refused(3, /blkmig resolve --source .*source --keep m2/));
    const free = makeDisk(path("free"), SIZE);
    execFileSync("ln", ["-s", free, path("link")]);
    expect(await serve(`a=${free}`, `b=${path("link")}`)).toMatchObject({ code: 3 });
    expect(await serve(`a=${free}`, `b=${makeDisk(path("odd"), 1000)}`)).toEqual(refused(3, /no multiple of 512/));
  });
});

describe.skipIf(!hasNbdkit)("a disk behind another NBD server (skipped without the program nbdkit)", () => {
  it("is served, and a flush of it that fails in the end is exit 1", async () => {
    const path = temporaryFolder();
    const { url, kill } = await startNbdkit(path("nbdkit"), "memory", "8M");
    const { running, dial } = await startServing({ disks: { a: url }, more: ["--state-dir", path("state")] });
    const guest = startCheckedGuest(await dial("a"));
    await guest.more(50);
    await guest.stop();
    await kill();
    running.process.kill("SIGTERM");
    const ended = await running.ended;
    expect(refusal(ended)).toEqual(refused(1, /disk 'a': flush failed: .* may be lost$/));
    expect(ended.events.at(-1)).toMatchObject({ event: "failed" });
  });
});

async function recordable(path: string) {
  const disk = await openDisk(path, { readOnly: true });
  const record = await placeOfRecord(disk);
  await disk.close();
  return { name: "a", size: disk.size, record };
}

const hasNotify = ["systemd-notify", "/usr/bin/python3"].every((program) => {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});

/** Binds a socket for datagrams, says so, and prints each. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)
`;

function startPython(socket: string) {
  const child = spawn("/usr/bin/python3", ["-c", RECEIVER, socket], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return {
    text: () => text,
    async until(word: string) {
      while (!text.includes(word)) await once(child.stdout, "data");
    },
  };
}

describe.skipIf(!hasNotify)("under systemd (skipped without the program systemd-notify)", () => {
  it("says when it is ready, what it does, and that it stops", async () => {
    const path = temporaryFolder();
    const receiver = startPython(path("notify"));
    await receiver.until("bound");
    const a = makeDisk(path("a"), SIZE);
    const { running } = await startServing({ disks: { a }, env: { NOTIFY_SOCKET: path("notify") } });
    await receiver.until("READY=1");
    running.process.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
    await receiver.until("STOPPING=1");
    expect(receiver.text()).toMatch(/bound\n(.*\n)*READY=1\nSTATUS=serving nbd\+unix:.*\n(.*\n)*STOPPING=1\n/);
  });
});
