import { expect, test } from "vitest";

import { parseMounts } from "./mount-table.ts";

test("lines of mountinfo, with and without optional fields, and with spaces in paths", () => {
  const text = [
    "24 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,errors=remount-ro",
    String.raw`31 24 0:45 /@ /mnt/a\040b\134c ro,relatime - btrfs /dev/my\040disk rw,subvol=/@`,
    "32 24 7:1 / /mnt/c rw - iso9660 /dev/loop1 ro",
    "",
  ].join("\n");
  expect(parseMounts(text)).toEqual([
    { id: "24", device: "254:0", path: "/", from: "/dev/vda", readOnly: false },
    { id: "31", device: "0:45", path: String.raw`/mnt/a b\c`, from: "/dev/my disk", readOnly: false },
    { id: "32", device: "7:1", path: "/mnt/c", from: "/dev/loop1", readOnly: true },
  ]);
});
