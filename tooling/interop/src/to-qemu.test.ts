import { readFileSync, truncateSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { makeDisk, makeGarbageDisk } from "./make-disk.ts";
import { listeningAt, migrationStatus } from "./migration.ts";
import { qemu } from "./needs.ts";
import { startQemu } from "./qemu.ts";
import { runBlkmig, startBlkmig } from "./run-blkmig.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const MIB = 1048576;

describe.skipIf(qemu.missing)(`from blkmig to QEMU (${qemu.needs})`, () => {
  const waiting = async (path: (name: string) => string, sizes: readonly number[]) => {
    const received = sizes.map((size, index) => makeGarbageDisk(path(`received${index}`), size));
    const disks = received.map((at, index) => ({ id: `disk${index}`, path: at }));
    const to = await startQemu({ path, memory: 16 * MIB, paused: true, disks, incoming: "tcp:127.0.0.1:0" });
    return { to, received, url: (await listeningAt(to.qmp)).replace("tcp:", "tcp://") };
  };

  it.each(["--zero-blocks", "--no-zero-blocks"])("two disks arrive, %s, and QEMU says completed", async (flag) => {
    const path = temporaryFolder();
    const sent = [makeDisk(path("sent0"), 6 * MIB, 1), makeDisk(path("sent1"), 3 * MIB, 2)];
    const { to, received, url } = await waiting(path, [6 * MIB, 3 * MIB]);
    const sources = sent.flatMap((at, index) => ["--disk", `disk${index}=${at}`]);
    const flags = flag === "--no-zero-blocks" ? [flag, "--machine", "pc-i440fx"] : [];
    const ended = await runBlkmig(["send", url, "--wire", "qemu", "--json", ...flags, ...sources]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toContain('"proved":true');
    expect(await migrationStatus(to.qmp)).toMatchObject({ status: "completed" });
    await to.stop();
    expect(received.map((at, index) => readFileSync(at).equals(readFileSync(sent[index]!)))).toEqual([true, true]);
  });

  it("a disk that QEMU does not know ends it in one sentence, the source as it was", async () => {
    const path = temporaryFolder();
    // More than sockets hold: of a stream that has left whole nobody knows what became.
    const sent = makeDisk(path("sent"), 64 * MIB, 1);
    const { to, url } = await waiting(path, [64 * MIB]);
    const ended = await runBlkmig(["send", url, "--wire", "qemu", "--disk", `other=${sent}`]);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^blkmig: .*QEMU's own output says why/m);
    expect(readFileSync(sent)).toHaveLength(64 * MIB);
    expect((await to.exited).stderr).toContain("unknown block device other");
  });

  it("a QEMU that dies in the middle: one sentence, exit 1, and cancelling is 130", async () => {
    for (const [end, code] of [
      ["qemu", 1],
      ["sender", 130],
    ] as const) {
      const path = temporaryFolder();
      const sent = makeDisk(path("sent"), 64 * MIB, 1);
      const { to, url } = await waiting(path, [64 * MIB]);
      const slow = ["--json", "--max-bandwidth", "8M"];
      const sender = startBlkmig(["send", url, "--wire", "qemu", ...slow, "--disk", `disk0=${sent}`]);
      await sender.events.until(({ event, transferred }) => event === "status" && Number(transferred) > MIB);
      if (end === "qemu") await to.kill();
      else sender.process.kill("SIGINT");
      expect(await sender.exited).toMatchObject({ code, stderr: expect.stringMatching(/^blkmig: .*\n$/) });
      if (end === "sender") await to.kill();
    }
  });

  it("zeroes in a short last block pass", async () => {
    const path = temporaryFolder();
    const sent = makeDisk(path("sent"), 2 * MIB, 1);
    truncateSync(sent, 2 * MIB + 512);
    const { to, received, url } = await waiting(path, [2 * MIB + 512]);
    expect(await runBlkmig(["send", url, "--wire", "qemu", "--disk", `disk0=${sent}`])).toMatchObject({ code: 0 });
    await to.stop();
    expect(readFileSync(received[0]!).equals(readFileSync(sent))).toBe(true);
  });

  it("data in a short last block is refused before anything is sent", async () => {
    const path = temporaryFolder();
    const sent = makeDisk(path("sent"), 2 * MIB + 512, 1);
    const { to, url } = await waiting(path, [3 * MIB]);
    const ended = await runBlkmig(["send", url, "--wire", "qemu", "--disk", `disk0=${sent}`]);
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining("no multiple of 1 MiB") });
    await to.kill();
  });
});
