import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, describe, expect, it } from "vitest";

import { connectQmp } from "./connect-qmp.ts";
import { QEMUS, type RealQemu, startRealQemu } from "./real-qemu.test-kit.ts";

describe.skipIf(QEMUS.length === 0)("connectQmp and a real QEMU (needs qemu-system-x86_64)", () => {
  const folder = mkdtempSync(join(tmpdir(), "blkmig-qmp-"));
  const running: RealQemu[] = [];
  afterEach(async () => {
    for (const qemu of running.splice(0)) await qemu.kill();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(QEMUS)("$name answers, refuses, tells events, and is gone when it is killed", async ({ name, command }) => {
    const qemu = await startRealQemu({ path: join(folder, "qmp"), args: [], binary: command });
    running.push(qemu);
    const qmp = await connectQmp(qemu.address);
    const { major, minor, micro } = qmp.version;
    expect(name).toBe(`QEMU ${major}.${minor}.${micro}`);
    const events = qmp.events();
    const [status] = await Promise.all([qmp.execute("query-status"), qmp.execute("stop")]);
    expect(status).toMatchObject({ status: "running", running: true });
    const { value } = (await events.next()) as { value: { event: string; at: number } };
    expect(value.event).toBe("STOP");
    expect(Math.abs(value.at - Date.now())).toBeLessThan(3_600_000);
    await expect(qmp.execute("cont", { nonsense: 1 })).rejects.toMatchObject({
      code: "refused",
      qemuClass: "GenericError",
    });
    await qemu.kill();
    await expect(qmp.execute("cont")).rejects.toMatchObject({ code: "gone" });
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });
});
