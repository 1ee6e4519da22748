import { describe, expect, it } from "vitest";

import { bothRan } from "./both-ran.ts";
import { consoleOf, gapsIn } from "./guest-console.ts";
import { differences } from "./guest-disks.ts";
import { filesTold } from "./guest-files.ts";
import { lossesOf } from "./guest-loss.ts";
import { recordsTold } from "./guest-records.ts";
import { troubles } from "./live-guest.ts";
import { startDestination, startMovingGuest } from "./moving-guest.ts";
import { movingGuest } from "./needs.ts";
import { endedEarly, machineFlags, monitorUrl, receiveDisks } from "./qemu-move.ts";
import { startQmpRelay } from "./qmp-relay.ts";
import { startBlkmig } from "./run-blkmig.ts";
import { temporaryFolder } from "./temporary-folder.ts";

describe.skipIf(movingGuest.missing)(`a running QEMU, with its disks (${movingGuest.needs})`, () => {
  it.each([
    { from: "7.2", to: "7.2", format: "mixed" },
    { from: "10.0", to: "10.0", format: "mixed" },
    { from: "7.2", to: "10.0", format: "raw" },
    { from: "7.2", to: "10.0", format: "qcow2" },
  ] as const)("goes on in another one, $from → $to, its disks $format, as if nothing had been", async (options) => {
    const { from, to, format } = options;
    const path = temporaryFolder();
    const source = await startMovingGuest({ path, release: from, format });
    const destination = await startDestination({ path, release: to }, source);
    await source.guest.goesOn();
    const { blkmig: receiver, url } = await receiveDisks(destination.disks);
    const relay = await startQmpRelay(destination.qemu.monitor, path("relay"));
    const cont = relay.hold({ command: "cont" });
    const machine = machineFlags(destination, relay.url);
    const slow = ["--max-bandwidth", "16M", "--no-verify"];
    const sender = startBlkmig(["send", url, "--qmp", monitorUrl(source.qemu), ...machine, "--json", ...slow]);
    await Promise.race([cont.came, endedEarly(sender)]);
    // Both stand still now.
    expect(differences(source.disks, destination.disks)).toEqual([]);
    cont.release();
    expect(await sender.exited).toMatchObject({ code: 0 });
    expect(await receiver.exited).toMatchObject({ code: 0 });
    await destination.guest.goesOn(20);
    expect(await source.qemu.stop()).toMatchObject({ code: 0 });
    await destination.guest.stop();

    expect(bothRan(source.qemu, destination.qemu)).toBeUndefined();
    const told = consoleOf([source.qemu, destination.qemu]);
    expect([...gapsIn(recordsTold(told)), ...gapsIn(filesTold(told)), ...troubles(told)]).toEqual([]);
    const [records, files] = destination.disks;
    expect(await lossesOf(told, { records: records.path, files: files.path, origin: source.origin })).toEqual([]);
  });
});
