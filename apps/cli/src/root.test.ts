import { describe, expect, it, onTestFinished } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { canMount, mountAt, system } from "./mounts.test-kit.ts";
import { refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { startServing } from "./serving.test-kit.ts";

const AT = "tcp://127.0.0.1:0";

function attachLoop(file: string): string {
  const device = system("losetup", "-f", "--show", file);
  onTestFinished(() => void system("losetup", "-d", device));
  return device;
}

describe.skipIf(!canMount)("with what only root may do (mount, loop devices)", () => {
  it("a full disk ends in 1 on both sides", async () => {
    const path = temporaryFolder();
    const source = makeDisk(path("source"), 32 * MIB);
    mountAt(path("small"), "-t", "tmpfs", "-o", "size=4m", "none");
    const create = ["--create", "--size", "a=32M"];
    const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${path("small/disk")}`, ...create]);
    const sent = await runBlkmig(["send", await receiver.url(), "--disk", `a=${source}`]);
    expect(refusal(await receiver.ended)).toEqual(refused(1, /disk 'a': .*space.* \(the targets are not complete\)/i));
    expect(refusal(sent)).toEqual(refused(1, /the receiver cannot go on: disk 'a': .*space/i));
  });

  it("a target on a read-only file system is refused", async () => {
    const path = temporaryFolder();
    mountAt(path("ro"), "-t", "tmpfs", "none");
    makeGarbage(path("ro/disk"), MIB);
    system("mount", "-o", "remount,ro", path("ro"));
    expect(refusal(await runBlkmig(["receive", AT, "--disk", `a=${path("ro/disk")}`]))).toEqual(
      refused(3, /read-only/i),
    );
  });

  it("loop devices are sources and targets", async () => {
    const path = temporaryFolder();
    const source = makeDisk(path("source"), 5 * MIB + 512);
    const target = makeGarbage(path("target"), 5 * MIB + 512);
    const [from, to] = [attachLoop(source), attachLoop(target)];
    const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${to}`]);
    const sent = await runBlkmig(["send", await receiver.url(), "--disk", `a=${from}`]);
    expect([sent.code, (await receiver.ended).code]).toEqual([0, 0]);
    expect((await runBlkmig(["verify", from, to])).code).toBe(0);
    expect(sameFiles(source, target)).toBe(true);
    expect(refusal(await runBlkmig(["verify", from, source]))).toEqual(refused(5, /the same disk/));
  });

  it("a mounted disk is refused on both sides, by way of its loop device too, unless that danger is taken on", async () => {
    const path = temporaryFolder();
    const disk = makeGarbage(path("disk"), 4 * MIB);
    system("/usr/sbin/mkfs.ext4", "-q", "-F", disk);
    const device = attachLoop(disk);
    mountAt(path("at"), device);
    for (const either of [disk, device]) {
      const sent = await runBlkmig(["send", AT, "--disk", `a=${either}`]);
      expect(refusal(sent)).toEqual(refused(3, /is mounted for writing at .*: unmount it, or --force mounted/));
      const received = await runBlkmig(["receive", AT, "--disk", `a=${either}`]);
      expect(refusal(received)).toEqual(refused(3, /is mounted at .*: unmount it, or --force mounted/));
      const served = await runBlkmig(["serve", "--nbd", "nbd://127.0.0.1:0", "--disk", `a=${either}`]);
      expect(refusal(served)).toEqual(refused(3, /is mounted at .*: unmount it, or --force mounted/));
    }
    const to = `file://${path("stream")}`;
    expect((await runBlkmig(["send", to, "--disk", `a=${device}`, "--force", "mounted"])).code).toBe(0);
    system("mount", "-o", "remount,ro", path("at"));
    expect((await runBlkmig(["send", to, "--disk", `a=${device}`])).code).toBe(0);
    const writable = await runBlkmig(["serve", "--nbd", "nbd://127.0.0.1:0", "--disk", `a=${device}`]);
    expect(refusal(writable)).toEqual(refused(3, /is mounted at .*: unmount it, or --force mounted/));
    await startServing({ disks: { a: device }, more: ["--read-only"] });
  });
});
