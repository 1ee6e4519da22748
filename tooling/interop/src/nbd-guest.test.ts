import { execFileSync } from "node:child_process";
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { startNbdkit, startQemuNbd } from "./foreign-nbd.ts";
import { filesTold, makeFileSystem } from "./guest-files.ts";
import { lossesOf } from "./guest-loss.ts";
import { recordsTold, slotOf } from "./guest-records.ts";
import { stallsSince } from "./guest-stalls.ts";
import { startLiveGuest, troubles } from "./live-guest.ts";
import { makeGarbageDisk } from "./make-disk.ts";
import { guestOnNbd } from "./needs.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const MIB = 1048576;
const SIZE = 32 * MIB;
const RECORD = 4096;

/** What the guest and those who judge it are worth: seen with servers that are known to work, and told to fail. */
describe.skipIf(guestOnNbd.missing)(`a guest with its disks on others' NBD servers (${guestOnNbd.needs})`, () => {
  it("all that it called durable is there when it has stopped, and what is spoilt then is found", async () => {
    const path = temporaryFolder();
    const images = { records: makeGarbageDisk(path("vda"), SIZE), files: makeFileSystem(path("vdb"), SIZE) };
    const records = await startNbdkit({ path, image: images.records, export: "vda" });
    const files = await startQemuNbd({ path, image: images.files, export: "vdb" });
    const guest = await startLiveGuest({ path, records, files });
    await guest.goesOn(40);
    await guest.stop();
    expect(troubles(guest.serial)).toEqual([]);
    expect(await lossesOf(guest.serial, images)).toEqual([]);

    const [record, file] = [recordsTold(guest.serial).at(-2)!, filesTold(guest.serial).at(-1)!];
    expect(record).toBeGreaterThan(40);
    const disk = openSync(images.records, "r+");
    writeSync(disk, new Uint8Array(RECORD), 0, RECORD, slotOf(record, SIZE / RECORD) * RECORD);
    closeSync(disk);
    execFileSync("/sbin/debugfs", ["-w", "-R", `clri /old/${file}`, images.files], { stdio: "ignore" });
    expect(await lossesOf(guest.serial, images)).toEqual([
      `record ${record} is missing`,
      `file ${file} is missing`,
      expect.stringContaining(`'${file}' in /old`),
    ]);
  });

  it("what a slow server costs is measured, and each error is heard", async () => {
    const path = temporaryFolder();
    const records = await startNbdkit(
      { path, image: makeGarbageDisk(path("vda"), SIZE), export: "vda" },
      ["error", "delay"],
      ["wdelay=100ms", "error=EIO", "error-rate=1", `error-file=${path("vda.fails")}`],
    );
    const files = await startNbdkit(
      { path, image: makeFileSystem(path("vdb"), SIZE), export: "vdb" },
      ["error"],
      ["error=EIO", "error-rate=1", `error-file=${path("vdb.fails")}`],
    );
    const { serial, goesOn } = await startLiveGuest({ path, records, files });
    await goesOn(5);
    expect(troubles(serial)).toEqual([]);
    expect(stallsSince(serial).median).toBeGreaterThan(90);

    writeFileSync(path("vda.fails"), "");
    await serial.until((line) => /^kernel: .*I\/O error, dev vda/.test(line));
    await serial.until((line) => line.startsWith("failed record "));
    writeFileSync(path("vdb.fails"), "");
    await serial.until((line) => /^kernel: .*I\/O error, dev vdb/.test(line));
    await serial.until((line) => /^kernel: .*EXT4-fs error/.test(line));
    await serial.until((line) => line.startsWith("failed file "));
    expect(troubles(serial).length).toBeGreaterThanOrEqual(5);
  });
});
