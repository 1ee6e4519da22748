import { describe, expect, it } from "vitest";

import { bothRan } from "./both-ran.ts";
import { qemu } from "./needs.ts";
import { startQemu } from "./qemu.ts";
import { temporaryFolder } from "./temporary-folder.ts";

describe.skipIf(qemu.missing)(`two QEMUs that shall never both run (${qemu.needs})`, () => {
  it("are found out if they did, also when it is over", async () => {
    const path = temporaryFolder();
    const [source, destination] = await Promise.all([
      startQemu({ path, machine: "none", name: "source" }),
      startQemu({ path, machine: "none", name: "destination", paused: true }),
    ]);
    expect(bothRan(source, destination)).toBeUndefined();
    await source.qmp.execute("stop");
    await destination.qmp.execute("cont");
    expect(bothRan(source, destination)).toBeUndefined();
    await source.qmp.execute("cont");
    await destination.qmp.execute("stop");
    expect(bothRan(source, destination)).toEqual(expect.any(Number));
  });
});
