import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { makeGuestImage } from "./guest-image.ts";
import { checkRecords, complaints, recordsTold, untilRecord } from "./guest-records.ts";
import { makeDisk, makeEmptyDisk, makeGarbageDisk } from "./make-disk.ts";
import { listeningAt, setCapabilities, setParameters, startMigration } from "./migration.ts";
import { qemu, qemuWithGuest } from "./needs.ts";
import { startQemu } from "./qemu.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const MIB = 1048576;

describe.skipIf(qemu.missing)(`from QEMU to QEMU (${qemu.needs})`, () => {
  it.each([true, false])("two disks arrive, zero-blocks %s", async (zeroBlocks) => {
    const path = temporaryFolder();
    const sent = [makeDisk(path("sent0"), 6 * MIB, 1), makeDisk(path("sent1"), 3 * MIB, 2)];
    const received = [makeGarbageDisk(path("received0"), 6 * MIB), makeGarbageDisk(path("received1"), 3 * MIB)];
    const disksAt = (paths: readonly string[]) => paths.map((at, index) => ({ id: `disk${index}`, path: at }));
    const alike = { path, memory: 16 * MIB, paused: true };
    const to = await startQemu({ ...alike, name: "to", disks: disksAt(received), incoming: "tcp:127.0.0.1:0" });
    const from = await startQemu({ ...alike, name: "from", disks: disksAt(sent) });

    await setCapabilities(from.qmp, { "return-path": true, "zero-blocks": zeroBlocks });
    // Otherwise QEMU would complete before it has read its disks.
    await setParameters(from.qmp, { "downtime-limit": 0 });
    const migration = await startMigration(from.qmp, await listeningAt(to.qmp));
    expect(await migration.ended()).toMatchObject({ status: "completed" });
    await Promise.all([from.stop(), to.stop()]);
    expect(received.map((at, index) => readFileSync(at).equals(readFileSync(sent[index]!)))).toEqual([true, true]);
  });
});

describe.skipIf(qemuWithGuest.missing)(`a running guest, from QEMU to QEMU (${qemuWithGuest.needs})`, () => {
  it("goes on where it was, and its records too", async () => {
    const path = temporaryFolder();
    const guest = makeGuestImage(path);
    const [sent, received] = [makeEmptyDisk(path("sent"), 64 * MIB), makeGarbageDisk(path("received"), 64 * MIB)];
    const from = await startQemu({ path, name: "from", guest, disks: [{ id: "disk0", path: sent }] });
    await untilRecord(from.serial, 20);
    const disks = [{ id: "disk0", path: received }];
    const to = await startQemu({ path, name: "to", guest, disks, incoming: "tcp:127.0.0.1:0" });

    await setParameters(from.qmp, { "downtime-limit": 0 });
    const migration = await startMigration(from.qmp, await listeningAt(to.qmp));
    expect(await migration.ended()).toMatchObject({ status: "completed" });
    const before = recordsTold(from.serial);
    await untilRecord(to.serial, before.length + 20);
    await Promise.all([from.stop(), to.stop()]);

    const records = await checkRecords(received);
    expect([...complaints(from.serial), ...complaints(to.serial)]).toEqual([]);
    expect(records).toMatchObject({ intact: records.newest, corrupt: [], missing: [] });
    expect(records.newest).toBeGreaterThanOrEqual(recordsTold(to.serial).at(-1)!);
  });
});
