import { execFileSync } from "node:child_process";

import { describe, expect, it } from "vitest";

import { bothRan } from "./both-ran.ts";
import { consoleOf, gapsIn } from "./guest-console.ts";
import { differences } from "./guest-disks.ts";
import { filesTold } from "./guest-files.ts";
import { lossesOf } from "./guest-loss.ts";
import { recordsTold, untilRecord } from "./guest-records.ts";
import { checkTwins } from "./guest-twins.ts";
import { troubles } from "./live-guest.ts";
import { setCapabilities } from "./migration.ts";
import { startDestination, startMovingGuest } from "./moving-guest.ts";
import { movingGuest } from "./needs.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** What a guest and those who judge it are worth, seen without us. */
describe.skipIf(movingGuest.missing)(`a guest between QEMUs of two releases (${movingGuest.needs})`, () => {
  it("goes on where it was if its disks were copied while it stood still, and its console too", async () => {
    const path = temporaryFolder();
    const source = await startMovingGuest({ path, release: "7.2", format: "qcow2" });
    await source.guest.goesOn(20);
    const destination = await startDestination({ path, release: "10.0" }, source);
    const both = { "return-path": true, events: true };
    await setCapabilities(source.qemu.qmp, { ...both, "pause-before-switchover": true });
    await setCapabilities(destination.qemu.qmp, both);
    await source.qemu.qmp.execute("migrate", { uri: destination.uri });
    await source.qemu.qmp.until(({ data }) => data?.["status"] === "pre-switchover");
    for (const [at, { path: image }] of source.disks.entries()) {
      execFileSync("qemu-img", ["convert", "-U", "-f", "qcow2", "-O", "raw", image, destination.disks[at]!.path]);
    }
    await source.qemu.qmp.execute("migrate-continue", { state: "pre-switchover" });
    await source.qemu.qmp.until(({ data }) => data?.["status"] === "completed");
    expect(differences(source.disks, destination.disks)).toEqual([]);
    await destination.qemu.qmp.until(({ data }) => data?.["status"] === "completed");
    expect(await destination.qemu.qmp.execute("query-status")).toMatchObject({ status: "paused" });
    await destination.qemu.qmp.execute("cont");
    await destination.guest.goesOn(20);
    await destination.guest.stop();
    expect(bothRan(source.qemu, destination.qemu)).toBeUndefined();
    const told = consoleOf([source.qemu, destination.qemu]);
    expect([...gapsIn(recordsTold(told)), ...gapsIn(filesTold(told)), ...troubles(told)]).toEqual([]);
    const [records, files] = destination.disks;
    expect(await lossesOf(told, { records: records.path, files: files.path, origin: source.origin })).toEqual([]);
  });

  it("writes the same records to both disks, no moment apart by more than one", async () => {
    const path = temporaryFolder();
    const { qemu, disks } = await startMovingGuest({ path, release: "10.0", format: "raw", init: "guest-twins.sh" });
    await untilRecord(qemu.serial, 40);
    await qemu.kill();
    const { ahead, newest, flaws } = await checkTwins(disks);
    expect([0, 1]).toContain(ahead);
    expect(newest).toBeGreaterThanOrEqual(recordsTold(qemu.serial).at(-1)!);
    expect([...flaws, ...gapsIn(recordsTold(qemu.serial)), ...troubles(qemu.serial)]).toEqual([]);
  });
});
