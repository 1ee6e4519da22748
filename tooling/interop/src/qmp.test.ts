import { describe, expect, it } from "vitest";

import { migrationStatus, setParameters } from "./migration.ts";
import { qemu } from "./needs.ts";
import { startQemu } from "./qemu.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const startBare = () => startQemu({ path: temporaryFolder(), machine: "none", paused: true });

describe.skipIf(qemu.missing)(`a real QEMU's monitor (${qemu.needs})`, () => {
  it("answers, refuses in its own words, and tells events", async () => {
    const { qmp, stop } = await startBare();
    expect(await migrationStatus(qmp)).toEqual({ status: "none" });
    await setParameters(qmp, { "downtime-limit": 0 });
    expect(await qmp.execute("query-migrate-parameters")).toMatchObject({ "downtime-limit": 0 });
    await expect(qmp.execute("no-such-command")).rejects.toThrow(
      "no-such-command: The command no-such-command has not",
    );
    await qmp.execute("cont");
    expect(await qmp.until("RESUME")).toMatchObject({ event: "RESUME" });
    expect(await stop()).toMatchObject({ code: 0 });
  });

  it("leaves nobody waiting when it is killed", async () => {
    const { qmp, serial, kill } = await startBare();
    const waiting = [qmp.until("STOP"), serial.until(() => true)];
    const refused = Promise.all(waiting.map((wait) => expect(wait).rejects.toThrow(/has closed|QEMU ended/)));
    expect(await kill()).toMatchObject({ signal: "SIGKILL" });
    await refused;
    await expect(qmp.execute("query-status")).rejects.toThrow("QEMU's monitor has closed");
  });

  it("goes on when the monitor is let go of", async () => {
    const { qmp, pid } = await startBare();
    await qmp.close();
    expect(process.kill(pid, 0)).toBe(true);
  });

  it("says why it does not start", async () => {
    const path = temporaryFolder();
    const starting = startQemu({ path, machine: "none", disks: [{ id: "drive0", path: path("none") }] });
    await expect(starting).rejects.toThrow(/before its monitor answered: .*Could not open/);
  });
});
