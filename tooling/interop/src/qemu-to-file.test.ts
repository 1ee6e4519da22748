import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";

import { describe, expect, it } from "vitest";

import { makeDisk } from "./make-disk.ts";
import { setParameters, startMigration } from "./migration.ts";
import { qemu } from "./needs.ts";
import { startQemu } from "./qemu.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const MIB = 1048576;

describe.skipIf(qemu.missing)(`a migration into a file (${qemu.needs})`, () => {
  it("is a stream that names itself, and holds the disk", async () => {
    const path = temporaryFolder();
    const disk = makeDisk(path("disk"), 5 * MIB);
    const { qmp } = await startQemu({ path, machine: "none", disks: [{ id: "drive0", path: disk }] });
    // Otherwise QEMU might complete before it has read its disk.
    await setParameters(qmp, { "downtime-limit": 0 });
    // QEMU has completed when its pipe has taken all, and cat may still be writing then: only the end of what it writes is the end.
    execFileSync("mkfifo", [path("stream")]);
    const written = readFile(path("stream"));
    const migration = await startMigration(qmp, `exec:cat > ${path("stream")}`);
    expect(await migration.ended()).toMatchObject({ status: "completed" });

    const stream = await written;
    const blocks = [0, 2, 3].map((index) => readFileSync(disk).subarray(index * MIB, (index + 1) * MIB));
    expect(stream.toString("latin1", 0, 4)).toBe("QEVM");
    expect(stream.includes("drive0")).toBe(true);
    expect(blocks.map((block) => stream.includes(block))).toEqual([true, true, true]);
  });
});
