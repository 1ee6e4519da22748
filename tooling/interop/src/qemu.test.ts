import { truncateSync, writeFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { makeGuestImage } from "./guest-image.ts";
import { checkRecords, complaints, recordsTold, untilRecord } from "./guest-records.ts";
import { qemuWithGuest } from "./needs.ts";
import { startQemu } from "./qemu.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const MIB = 1048576;

describe.skipIf(qemuWithGuest.missing)(`a guest of a real QEMU (${qemuWithGuest.needs})`, () => {
  it("writes records that are there when it says so, even if its host dies", async () => {
    const path = temporaryFolder();
    writeFileSync(path("disk"), "");
    truncateSync(path("disk"), 256 * MIB);
    const disks = [{ id: "disk0", path: path("disk") }];
    const { serial, kill } = await startQemu({ path, disks, guest: makeGuestImage(path) });
    await untilRecord(serial, 40);
    await kill();

    const told = recordsTold(serial);
    const records = await checkRecords(path("disk"));
    expect(complaints(serial)).toEqual([]);
    expect(told).toEqual(told.map((_, index) => index + 1));
    expect(records).toMatchObject({ intact: records.newest, corrupt: [], missing: [] });
    expect(records.newest).toBeGreaterThanOrEqual(told.length);
  });
});
