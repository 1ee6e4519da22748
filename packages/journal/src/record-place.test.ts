import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { defaultStateDir, placeOfRecord } from "./record-place.ts";
import { stableIdentity } from "./stable-identity.ts";

function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "blkmig-")));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const identity = { device: "254:0", inode: "12345" };

describe("the place of a record", () => {
  test("of a file is beside it, by whatever link it is named", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "disk.img"), "");
    symlinkSync(join(folder, "disk.img"), join(folder, "link"));
    const place = await placeOfRecord({ path: join(folder, "link"), kind: "file", identity, size: 512 });
    expect(place).toEqual({ path: join(folder, "disk.img.blkmig"), beside: true });
  });

  test("is in the state directory where one is said, the same by any path and different by identity and size", async () => {
    const options = { stateDir: "/state" };
    const placeOf = async (inode: string, size: number, path: string) =>
      placeOfRecord({ path, kind: "file", identity: { ...identity, inode }, size }, options);
    const place = await placeOf("12345", 512, "/a");
    expect(place).toEqual({ path: expect.stringMatching(/^\/state\/[\w.-]+\.512\.blkmig$/), beside: false });
    expect(await placeOf("12345", 512, "/b")).toEqual(place);
    expect(await placeOf("12346", 512, "/a")).not.toEqual(place);
    expect(await placeOf("12345", 1024, "/a")).not.toEqual(place);
  });

  test("of a loop device is that of the file under it, in the state directory", async () => {
    const options = { stateDir: "/state" };
    const loop = {
      path: "/dev/loop0",
      kind: "block",
      identity: { rdev: "7:0", backing: identity },
      size: 512,
    } as const;
    const file = { path: "/disk.img", kind: "file", identity, size: 512 } as const;
    expect(await placeOfRecord(loop, options)).toEqual(await placeOfRecord(file, options));
  });
});

test.each([
  [{ BLKMIG_STATE_DIR: "/here", XDG_STATE_HOME: "/xdg", HOME: "/home/me" }, true, "/here"],
  [{ XDG_STATE_HOME: "/xdg", HOME: "/home/me" }, true, "/var/lib/blkmig"],
  [{ XDG_STATE_HOME: "/xdg", HOME: "/home/me" }, false, "/xdg/blkmig"],
  [{ XDG_STATE_HOME: "xdg", HOME: "/home/me" }, false, "/home/me/.local/state/blkmig"],
  [{ BLKMIG_STATE_DIR: "", HOME: "/home/me" }, false, "/home/me/.local/state/blkmig"],
])("the state directory of %j, root %s, is %s", (environment, isRoot, folder) => {
  expect(defaultStateDir(environment, isRoot)).toBe(folder);
});

/** What the kernel shows in /sys, by paths below it. */
function kernelShowing(files: Readonly<Record<string, string>>): string {
  const sys = temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(sys, dirname(path)), { recursive: true });
    writeFileSync(join(sys, path), `${text}\n`);
  }
  return sys;
}

describe("the identity of a block device, which outlives a restart,", () => {
  test.each([
    ["device-mapper's UUID", { "dm/uuid": "LVM-abc", wwid: "x" }, "dm/uuid LVM-abc"],
    ["a WWID", { "device/wwid": "naa.5000c500a1b2c3d4", "device/serial": "s" }, "device/wwid naa.5000c500a1b2c3d4"],
    ["a serial number", { "dm/uuid": "", serial: "overlayblk" }, "serial overlayblk"],
    ["only then its number", { "dm/uuid": "" }, "device 8:0"],
  ])("is %s", async (_, said, expected) => {
    const sys = kernelShowing(
      Object.fromEntries(Object.entries(said).map(([name, text]) => [`dev/block/8:0/${name}`, text])),
    );
    expect(await stableIdentity({ rdev: "8:0" }, sys)).toBe(expected);
  });

  test("is, of a partition, its disk's and its number", async () => {
    const sys = kernelShowing({
      "devices/sda/dev": "8:0",
      "devices/sda/sda1/partition": "1",
      "dev/block/8:0/wwid": "W",
    });
    symlinkSync("../../devices/sda/sda1", join(sys, "dev/block/8:1"));
    expect(await stableIdentity({ rdev: "8:1" }, sys)).toBe("part 1 of wwid W");
  });

  test("is, of a file, its inode on the device of its file system", async () => {
    const sys = kernelShowing({ "dev/block/254:0/serial": "S" });
    expect(await stableIdentity(identity, sys)).toBe("file 12345 on serial S");
  });

  test("is, of a partition of a loop device, by the file under that", async () => {
    const sys = kernelShowing({ "devices/loop0/dev": "7:0", "devices/loop0/loop0p2/partition": "2" });
    mkdirSync(join(sys, "dev/block/7:0/loop"), { recursive: true });
    symlinkSync("../../devices/loop0/loop0p2", join(sys, "dev/block/259:0"));
    writeFileSync(join(sys, "disk.img"), "");
    writeFileSync(join(sys, "dev/block/7:0/loop/backing_file"), `${join(sys, "disk.img")}\n`);
    expect(await stableIdentity({ rdev: "259:0" }, sys)).toMatch(/^part 2 of file \d+ on /);
  });
});
