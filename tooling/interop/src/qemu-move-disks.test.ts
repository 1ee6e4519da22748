import { describe, expect, it } from "vitest";

import { gapsIn } from "./guest-console.ts";
import { differences, makeTargets } from "./guest-disks.ts";
import { lossesAtPause } from "./guest-loss.ts";
import { recordsTold, untilRecord } from "./guest-records.ts";
import { checkTwins } from "./guest-twins.ts";
import { troubles } from "./live-guest.ts";
import { startMovingGuest } from "./moving-guest.ts";
import { movingGuest } from "./needs.ts";
import { lookAtQemu, monitorUrl, receiveDisks } from "./qemu-move.ts";
import { startBlkmig } from "./run-blkmig.ts";
import { temporaryFolder } from "./temporary-folder.ts";

describe.skipIf(movingGuest.missing)(`the disks of a running QEMU (${movingGuest.needs})`, () => {
  it.each([
    { release: "7.2", format: "raw" },
    { release: "7.2", format: "qcow2" },
    { release: "10.0", format: "raw" },
    { release: "10.0", format: "qcow2", iothreads: true },
  ] as const)("are moved out of QEMU $release, $format ones, and its guest stands still", async (options) => {
    const path = temporaryFolder();
    const { qemu, guest, disks, origin } = await startMovingGuest({ path, ...options });
    await guest.goesOn();
    const targets = makeTargets(path, "target");
    const { blkmig: receiver, url } = await receiveDisks(targets);
    // Slow enough for the guest to write all over its disks meanwhile; and a verify would mend what the tracking has missed.
    const slow = ["--max-bandwidth", "16M", "--no-verify"];
    const sender = startBlkmig(["send", url, "--qmp", monitorUrl(qemu), "--json", ...slow]);
    await sender.events.until(({ phase }) => phase === "dirty");
    expect(await sender.exited).toMatchObject({ code: 0 });
    expect(await receiver.exited).toMatchObject({ code: 0 });

    expect(await lookAtQemu(qemu)).toMatchObject({
      runs: false,
      exports: [],
      bitmaps: [expect.stringContaining("moved")],
    });
    expect(await qemu.stop()).toMatchObject({ code: 0 });
    expect(differences(disks, targets)).toEqual([]);
    const [records, files] = targets;
    expect(await lossesAtPause(guest.serial, { records: records.path, files: files.path, origin })).toEqual([]);
    expect([...gapsIn(recordsTold(guest.serial)), ...troubles(guest.serial)]).toEqual([]);
  });

  it.each([
    { release: "7.2", format: "qcow2" },
    { release: "10.0", format: "raw" },
  ] as const)("are copied out of QEMU $release, each of the same moment, while its guest goes on", async (options) => {
    const path = temporaryFolder();
    const { qemu } = await startMovingGuest({ path, ...options, init: "guest-twins.sh" });
    await untilRecord(qemu.serial, 10);
    for (const name of ["first", "second", "third"]) {
      const targets = makeTargets(path, name);
      const { url } = await receiveDisks(targets);
      const told = recordsTold(qemu.serial).at(-1)!;
      const sender = startBlkmig(["send", url, "--qmp", monitorUrl(qemu), "--json", "--after", "cont", "--no-verify"]);
      expect(await sender.exited).toMatchObject({ code: 0 });
      await untilRecord(qemu.serial, told + 20);
      expect(await lookAtQemu(qemu)).toEqual({ runs: true, exports: [], bitmaps: [] });
      const { ahead, newest, flaws } = await checkTwins(targets);
      expect({ flaws, ahead }).toEqual({
        flaws: [],
        ahead: expect.toSatisfy((records) => records === 0 || records === 1),
      });
      expect(newest).toBeGreaterThanOrEqual(told);
    }
    expect([...gapsIn(recordsTold(qemu.serial)), ...troubles(qemu.serial)]).toEqual([]);
  });
});
