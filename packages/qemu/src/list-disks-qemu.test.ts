import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, describe, expect, it } from "vitest";

import { connectQmp } from "./connect-qmp.ts";
import type { QemuDisk } from "./disks-contract.ts";
import { chooseQemuDisks, listQemuDisks } from "./list-disks.ts";
import type { Qmp } from "./qmp-contract.ts";
import { type InstalledQemu, QEMUS, type RealQemu, startRealQemu } from "./real-qemu.test-kit.ts";

const MiB = 1024 * 1024;

const hasImageTools = ["qemu-img", "qemu-io"].every((tool) => spawnSync(tool, ["--version"]).status === 0);
const isMissing = QEMUS.length === 0 || !hasImageTools;

describe.skipIf(isMissing)("the disks of a real QEMU (needs qemu-system-x86_64, qemu-utils)", () => {
  const folder = mkdtempSync(join(tmpdir(), "blkmig-qemu-"));
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function raw(name: string, size = 16 * MiB): string {
    const path = join(folder, name);
    writeFileSync(path, "");
    truncateSync(path, size);
    return path;
  }

  function qcow2(name: string, ...args: readonly string[]): string {
    const path = join(folder, name);
    const made = spawnSync("qemu-img", ["create", "-q", "-f", "qcow2", ...args.slice(0, -1), path, ...args.slice(-1)]);
    if (made.status !== 0) throw new Error(made.stderr.toString());
    return path;
  }

  /** Each line is some words. */
  async function started(qemu: InstalledQemu, lines: readonly string[]): Promise<Qmp> {
    const args = lines.flatMap((line) => line.split(" "));
    const running: RealQemu = await startRealQemu({ path: join(folder, "qmp"), args, binary: qemu.command });
    ends.push(running.kill);
    const qmp = await connectQmp(running.address);
    ends.push(qmp.close);
    return qmp;
  }

  const isBelow10 = (qmp: Qmp): boolean => qmp.version.major < 10;

  describe.each(QEMUS)("$name", (qemu) => {
    it("has its -drive and its -blockdev disks listed, with where they are stored", async () => {
      const [a, b, c] = [raw("a.raw"), raw("b.raw"), raw("c.raw", 8 * MiB)];
      const qmp = await started(qemu, [
        `-drive id=d0,if=none,file=${a},format=raw -device virtio-blk-pci,drive=d0,id=vda`,
        `-drive id=d1,if=virtio,file=${b},format=raw`,
        `-blockdev driver=raw,node-name=n2,offset=1048576,file.driver=file,file.filename=${c}`,
        "-device virtio-scsi-pci -device scsi-hd,drive=n2,id=sda",
      ]);
      const disks = await listQemuDisks(qmp);
      const common = { format: "raw", backingDepth: 0, unfit: undefined };
      const stored = (filename: string, bytes: number): QemuDisk["storage"] => ({ filename, driver: "file", bytes });
      expect(disks).toMatchObject([
        { ...common, ids: ["vda", "d0"], qdev: "/machine/peripheral/vda/virtio-backend", size: 16 * MiB },
        { ...common, ids: ["d1"], size: 16 * MiB, storage: stored(b, 16 * MiB) },
        { ...common, ids: ["sda", "n2"], qdev: "/machine/peripheral/sda", node: "n2", size: 7 * MiB },
      ]);
      expect(disks[0]?.node).toMatch(/^#block/u);
      expect(disks[0]?.storage).toEqual(stored(a, 16 * MiB));
      expect(disks[2]?.storage).toEqual(stored(c, 8 * MiB));
      expect(chooseQemuDisks(qmp.url, disks).map(({ name }) => name)).toEqual(["vda", "d1", "sda"]);
    });

    it("has the depth and the top layer of a backing chain said, filters aside", async () => {
      const base = qcow2("base.qcow2", "32M");
      const top = qcow2("top.qcow2", "-b", base, "-F", "qcow2", "64M");
      const plain = raw("plain.raw");
      const qmp = await started(qemu, [
        `-drive id=d0,if=none,file=${top},format=qcow2,copy-on-read=on -device virtio-blk-pci,drive=d0`,
        "-object throttle-group,id=g",
        `-blockdev driver=raw,node-name=r,file.driver=file,file.filename=${plain}`,
        "-blockdev driver=throttle,throttle-group=g,node-name=t,file=r -device virtio-blk-pci,drive=t",
      ]);
      const [chain, throttled] = await listQemuDisks(qmp);
      expect(chain).toMatchObject({ ids: ["d0"], size: 64 * MiB, format: "qcow2", backingDepth: 1, unfit: undefined });
      expect(chain?.storage).toMatchObject({ filename: top, driver: "file" });
      expect(chain?.storage?.bytes).toBeLessThan(MiB);
      expect(throttled).toMatchObject({ ids: ["t"], node: "t", backingDepth: 0, unfit: undefined });
      expect(throttled?.storage).toEqual({ filename: plain, driver: "file", bytes: 16 * MiB });
    });

    it("has its empty drives and its read-only disks left out, and its floppies not", async () => {
      const [floppy, readOnly, unused] = [raw("fd.img", 1_474_560), raw("ro.raw"), raw("unused.raw")];
      const qmp = await started(qemu, [
        "-device ide-cd,id=cd",
        `-drive id=fd,if=none,file=${floppy},format=raw -device floppy,drive=fd`,
        `-blockdev driver=file,filename=${readOnly},node-name=ro,read-only=on`,
        "-device virtio-blk-pci,drive=ro,id=vdr",
        `-drive id=unused,if=none,file=${unused},format=raw`,
      ]);
      const disks = await listQemuDisks(qmp);
      const byId = new Map(disks.map((disk) => [disk.ids[0], disk]));
      expect(byId.get("cd")).toEqual({
        ids: ["cd"],
        qdev: "/machine/peripheral/cd",
        node: undefined,
        size: 0,
        format: "",
        backingDepth: 0,
        storage: undefined,
        unfit: { how: "left-out", why: "it is empty" },
      });
      expect(byId.get("vdr")?.unfit).toEqual({ how: "left-out", why: "it is read-only" });
      expect(byId.get("unused")?.unfit).toEqual({ how: "left-out", why: "no device of the machine has it" });
      expect(chooseQemuDisks(qmp.url, disks).map(({ name }) => name)).toEqual(["fd"]);
    });

    it("has disks in an iothread refused below QEMU 10.0, their controller's too", async () => {
      const [a, b, c] = [raw("a.raw"), raw("b.raw"), raw("c.raw")];
      const qmp = await started(qemu, [
        "-object iothread,id=io0 -object iothread,id=io1",
        `-blockdev driver=file,filename=${a},node-name=a`,
        "-device virtio-blk-pci,drive=a,id=vda,iothread=io0",
        `-device virtio-scsi-pci,id=s0,iothread=io1 -blockdev driver=file,filename=${b},node-name=b`,
        "-device scsi-hd,drive=b,id=sda,bus=s0.0",
        `-blockdev driver=file,filename=${c},node-name=c -device virtio-blk-pci,drive=c,id=vdc`,
      ]);
      const disks = await listQemuDisks(qmp);
      const expected = isBelow10(qmp) ? ["'io0'", "'io1'", undefined] : [undefined, undefined, undefined];
      expect(disks.map(({ unfit }) => (unfit ? /'\w+'/u.exec(unfit.why)?.[0] : undefined))).toEqual(expected);
      expect(disks.map(({ ids }) => ids[0])).toEqual(["vda", "sda", "vdc"]);
    });

    it("has a disk with a block job refused, and the disk beside it not", async () => {
      const [a, b, copy] = [raw("a.raw"), raw("b.raw"), raw("copy.raw")];
      const base = qcow2("base.qcow2", "32M");
      const wrote = spawnSync("qemu-io", ["-f", "qcow2", "-c", "write -P 7 0 32M", base]);
      expect(wrote.status).toBe(0);
      const top = qcow2("top.qcow2", "-b", base, "-F", "qcow2", "32M");
      const qmp = await started(qemu, [
        `-drive id=d0,if=none,file=${a},format=raw -device virtio-blk-pci,drive=d0,id=vda`,
        `-drive id=d1,if=none,file=${b},format=raw -device virtio-blk-pci,drive=d1,id=vdb`,
        `-drive id=d2,if=none,file=${top},format=qcow2 -device virtio-blk-pci,drive=d2,id=vdc`,
      ]);
      await qmp.execute("human-monitor-command", { "command-line": 'qemu-io d0 "write -P 7 0 16M"' });
      await qmp.execute("blockdev-add", { driver: "file", filename: copy, "node-name": "copy" });
      const mirror = { "job-id": "jm", device: "d0", target: "copy", sync: "full", speed: 1 };
      await qmp.execute("blockdev-mirror", mirror);
      await qmp.execute("block-stream", { "job-id": "js", device: "d2", speed: 1 });
      const disks = await listQemuDisks(qmp);
      expect(disks.map(({ unfit }) => unfit)).toEqual([
        { how: "refused", why: expect.stringContaining("the mirror job 'jm' is at work") as string },
        undefined,
        { how: "refused", why: expect.stringContaining("the stream job 'js' is at work") as string },
      ]);
      expect(disks[0]?.storage).toEqual({ filename: a, driver: "file", bytes: 16 * MiB });
      expect(() => chooseQemuDisks(qmp.url, disks)).toThrow("disk 'vda' cannot be moved: the mirror job 'jm'");
      expect(chooseQemuDisks(qmp.url, disks, [{ id: "d1" }])).toEqual([{ name: "d1", disk: disks[1] }]);
    });

    it("has a disk refused whose storage somebody else writes, and one that is only read not", async () => {
      const [a, b] = [raw("a.raw"), raw("b.raw")];
      const qmp = await started(qemu, [
        `-blockdev driver=file,filename=${a},node-name=fa -blockdev driver=raw,file=fa,node-name=a`,
        "-device virtio-blk-pci,drive=a,id=vda,share-rw=on",
        `-blockdev driver=file,filename=${b},node-name=fb -blockdev driver=raw,file=fb,node-name=b`,
        "-device virtio-blk-pci,drive=b,id=vdb,share-rw=on",
      ]);
      await qmp.execute("nbd-server-start", { addr: { type: "unix", data: { path: join(folder, "nbd") } } });
      await qmp.execute("block-export-add", { type: "nbd", id: "w", "node-name": "fa", writable: true });
      await qmp.execute("block-export-add", { type: "nbd", id: "r", "node-name": "b" });
      const disks = await listQemuDisks(qmp);
      expect(disks.map(({ unfit }) => unfit?.why)).toEqual([
        "an export writes to what it lies on, and those writes are not seen above: end that first",
        undefined,
      ]);
    });
  });
});
