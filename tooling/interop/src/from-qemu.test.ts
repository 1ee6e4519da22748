import { closeSync, existsSync, openSync, readFileSync, statSync, writeSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { makeGuestImage } from "./guest-image.ts";
import { checkRecords, complaints, recordsTold, untilRecord } from "./guest-records.ts";
import { makeDisk, makeEmptyDisk, makeGarbageDisk } from "./make-disk.ts";
import { setCapabilities, setParameters, startMigration } from "./migration.ts";
import { qemu, qemuWithGuest } from "./needs.ts";
import { startQemu } from "./qemu.ts";
import { runBlkmig, startBlkmig } from "./run-blkmig.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const MIB = 1048576;
const AT = "tcp://127.0.0.1:0";

describe.skipIf(qemu.missing)(`from QEMU to blkmig (${qemu.needs})`, () => {
  it.each([true, false])("two disks arrive, zero-blocks %s, and QEMU is told so", async (zeroBlocks) => {
    const path = temporaryFolder();
    const sent = [makeDisk(path("sent0"), 6 * MIB, 1), makeDisk(path("sent1"), 3 * MIB, 2)];
    const received = [makeGarbageDisk(path("received0"), 6 * MIB), makeGarbageDisk(path("received1"), 3 * MIB)];
    const targets = received.flatMap((at, index) => ["--disk", `disk${index}=${at}`]);
    const blkmig = startBlkmig(["receive", AT, "--json", ...targets]);
    const disks = sent.map((at, index) => ({ id: `disk${index}`, path: at }));
    const from = await startQemu({ path, memory: 16 * MIB, paused: true, disks });
    await setCapabilities(from.qmp, { "return-path": true, "zero-blocks": zeroBlocks });
    await setParameters(from.qmp, { "downtime-limit": 0 });
    const migration = await startMigration(from.qmp, `tcp:127.0.0.1:${await blkmig.port()}`);
    expect(await migration.ended()).toMatchObject({ status: "completed" });
    expect(await blkmig.exited).toMatchObject({ code: 0 });
    await from.stop();
    expect(received.map((at, index) => readFileSync(at).equals(readFileSync(sent[index]!)))).toEqual([true, true]);
  });

  it("the data-loss setting: blkmig does not commit, QEMU fails, and the missing blocks are counted", async () => {
    const path = temporaryFolder();
    const [sent, received] = [makeDisk(path("sent"), 512 * MIB, 1), makeEmptyDisk(path("received"), 512 * MIB)];
    const blkmig = startBlkmig(["receive", AT, "--json", "--disk", `disk0=${received}`]);
    const from = await startQemu({ path, memory: 16 * MIB, disks: [{ id: "disk0", path: sent }] });
    await setCapabilities(from.qmp, { "return-path": true });
    const migration = await startMigration(from.qmp, `tcp:127.0.0.1:${await blkmig.port()}`);
    expect(await migration.ended()).toMatchObject({ status: "failed" });
    const ended = await blkmig.exited;
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/'disk0' \d+ of 512 blocks/);
    expect(ended.stderr).toContain("downtime-limit");
    await from.qmp.until("RESUME"); // it was paused for its switchover, which was refused
    expect(await from.qmp.execute("query-status")).toMatchObject({ running: true });
    await from.stop();
  });

  it("the same without a return path: QEMU says completed, and blkmig says what is missing", async () => {
    const path = temporaryFolder();
    const [sent, received] = [makeDisk(path("sent"), 512 * MIB, 1), makeEmptyDisk(path("received"), 512 * MIB)];
    const blkmig = startBlkmig(["receive", AT, "--json", "--disk", `disk0=${received}`]);
    const from = await startQemu({ path, memory: 16 * MIB, disks: [{ id: "disk0", path: sent }] });
    const migration = await startMigration(from.qmp, `tcp:127.0.0.1:${await blkmig.port()}`);
    expect(await migration.ended()).toMatchObject({ status: "completed" });
    const ended = await blkmig.exited;
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/'disk0' \d+ of 512 blocks/);
    await from.stop();
  });

  it("a receiver that dies in the middle: QEMU fails, and its guest runs on", async () => {
    const path = temporaryFolder();
    const [sent, received] = [makeDisk(path("sent"), 64 * MIB, 1), makeEmptyDisk(path("received"), 64 * MIB)];
    const blkmig = startBlkmig(["receive", AT, "--json", "--disk", `disk0=${received}`]);
    const from = await startQemu({ path, memory: 16 * MIB, disks: [{ id: "disk0", path: sent }] });
    await setCapabilities(from.qmp, { "return-path": true });
    await setParameters(from.qmp, { "downtime-limit": 0, "max-bandwidth": 4 * MIB });
    const migration = await startMigration(from.qmp, `tcp:127.0.0.1:${await blkmig.port()}`);
    await blkmig.events.until(({ event, transferred }) => event === "status" && Number(transferred) > 0);
    blkmig.process.kill("SIGKILL");
    expect(await migration.ended()).toMatchObject({ status: "failed" });
    expect(await from.qmp.execute("query-status")).toMatchObject({ running: true });
    await from.stop();
  });

  it("a QEMU that dies in the middle: incomplete, exit 1", async () => {
    const path = temporaryFolder();
    const [sent, received] = [makeDisk(path("sent"), 64 * MIB, 1), makeEmptyDisk(path("received"), 64 * MIB)];
    const state = path("vm.state");
    const blkmig = startBlkmig(["receive", AT, "--json", "--disk", `disk0=${received}`, "--vm-state", state]);
    const from = await startQemu({ path, memory: 16 * MIB, disks: [{ id: "disk0", path: sent }] });
    await setParameters(from.qmp, { "max-bandwidth": 4 * MIB });
    await startMigration(from.qmp, `tcp:127.0.0.1:${await blkmig.port()}`);
    await blkmig.events.until(({ event, transferred }) => event === "status" && Number(transferred) > 3 * MIB);
    await from.kill();
    expect(await blkmig.exited).toMatchObject({ code: 1, stderr: expect.stringMatching(/^blkmig: /m) });
    expect(existsSync(state)).toBe(false);
  });

  it("what a QEMU left unfinished is overwritten by another migration only when that is said", async () => {
    const path = temporaryFolder();
    const [sent, received] = [makeDisk(path("sent"), 64 * MIB, 1), makeGarbageDisk(path("received"), 64 * MIB)];
    const to = ["receive", AT, "--json", "--disk", `disk0=${received}`];
    const first = startBlkmig(to);
    const from = await startQemu({ path, memory: 16 * MIB, paused: true, disks: [{ id: "disk0", path: sent }] });
    await setCapabilities(from.qmp, { "return-path": true });
    await setParameters(from.qmp, { "downtime-limit": 0, "max-bandwidth": 4 * MIB });
    const broken = await startMigration(from.qmp, `tcp:127.0.0.1:${await first.port()}`);
    await first.events.until(({ event, transferred }) => event === "status" && Number(transferred) > 2 * MIB);
    first.process.kill("SIGKILL");
    expect(await broken.ended()).toMatchObject({ status: "failed" });

    const refused = await runBlkmig(to);
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining("--force incomplete") });
    const second = startBlkmig([...to, "--force", "incomplete"]);
    await setParameters(from.qmp, { "max-bandwidth": 1024 * MIB });
    const whole = await startMigration(from.qmp, `tcp:127.0.0.1:${await second.port()}`);
    expect(await whole.ended()).toMatchObject({ status: "completed" });
    expect(await second.exited).toMatchObject({ code: 0 });
    await from.stop();
    expect(readFileSync(received).equals(readFileSync(sent))).toBe(true);
  });

  it("a target with a file system's signature is taken only when that is said", async () => {
    const path = temporaryFolder();
    const [sent, received] = [makeDisk(path("sent"), 3 * MIB, 1), makeGarbageDisk(path("received"), 3 * MIB)];
    const file = openSync(received, "r+");
    writeSync(file, Uint8Array.of(0x53, 0xef), 0, 2, 1024 + 56); // the magic number of ext4
    closeSync(file);
    const to = ["receive", AT, "--json", "--disk", `disk0=${received}`];
    expect(await runBlkmig(to)).toMatchObject({ code: 3, stderr: expect.stringContaining("--force filesystem") });
    const blkmig = startBlkmig([...to, "--force", "filesystem"]);
    const from = await startQemu({ path, memory: 16 * MIB, paused: true, disks: [{ id: "disk0", path: sent }] });
    await setCapabilities(from.qmp, { "return-path": true });
    await setParameters(from.qmp, { "downtime-limit": 0 });
    const migration = await startMigration(from.qmp, `tcp:127.0.0.1:${await blkmig.port()}`);
    expect(await migration.ended()).toMatchObject({ status: "completed" });
    expect(await blkmig.exited).toMatchObject({ code: 0 });
    await from.stop();
    expect(readFileSync(received).equals(readFileSync(sent))).toBe(true);
  });

  it("a disk of -blockdev has no name: it is the only target", async () => {
    const path = temporaryFolder();
    const [sent, received] = [makeDisk(path("sent"), 6 * MIB, 1), makeGarbageDisk(path("received"), 6 * MIB)];
    const blkmig = startBlkmig(["receive", AT, "--json", "--disk", `vda=${received}`]);
    const node = `driver=raw,node-name=node0,file.driver=file,file.filename=${sent}`;
    const more = ["-blockdev", node, "-device", "virtio-blk-pci,drive=node0"];
    const from = await startQemu({ path, memory: 16 * MIB, paused: true, more });
    await setCapabilities(from.qmp, { "return-path": true });
    await setParameters(from.qmp, { "downtime-limit": 0 });
    const migration = await startMigration(from.qmp, `tcp:127.0.0.1:${await blkmig.port()}`);
    expect(await migration.ended()).toMatchObject({ status: "completed" });
    expect(await blkmig.exited).toMatchObject({ code: 0 });
    await from.stop();
    expect(readFileSync(received).equals(readFileSync(sent))).toBe(true);
  });
});

describe.skipIf(qemuWithGuest.missing)(`a running guest, by way of blkmig (${qemuWithGuest.needs})`, () => {
  it("its disk and its machine are kept, and a second QEMU goes on where it was", async () => {
    const path = temporaryFolder();
    const guest = makeGuestImage(path);
    const [sent, received] = [makeEmptyDisk(path("sent"), 256 * MIB), makeGarbageDisk(path("received"), 256 * MIB)];
    const state = path("vm.state");
    const from = await startQemu({ path, name: "from", guest, disks: [{ id: "disk0", path: sent }] });
    await untilRecord(from.serial, 20);
    const blkmig = startBlkmig(["receive", AT, "--json", "--disk", `disk0=${received}`, "--vm-state", state]);
    await setCapabilities(from.qmp, { "return-path": true });
    await setParameters(from.qmp, { "downtime-limit": 0 });
    const migration = await startMigration(from.qmp, `tcp:127.0.0.1:${await blkmig.port()}`);
    expect(await migration.ended()).toMatchObject({ status: "completed" });
    expect(await blkmig.exited).toMatchObject({ code: 0 });
    expect(readFileSync(received).equals(readFileSync(sent))).toBe(true);
    expect(statSync(state).mode & 0o777).toBe(0o600);

    const before = recordsTold(from.serial);
    const disks = [{ id: "disk0", path: received }];
    const to = await startQemu({ path, name: "to", guest, disks, incoming: `exec:cat ${state}` });
    await untilRecord(to.serial, before.length + 20);
    await Promise.all([from.stop(), to.stop()]);
    const records = await checkRecords(received);
    expect([...complaints(from.serial), ...complaints(to.serial)]).toEqual([]);
    expect(records).toMatchObject({ intact: records.newest, corrupt: [], missing: [] });
    expect(records.newest).toBeGreaterThan(before.length + 18);
  });
});
