/** Names of disks, as they are and as they should not be. */
export const NAMES = [
  "drive0",
  "virtio1",
  "d",
  "",
  "dé",
  "ディスク",
  "\u{feff}x",
  "x".repeat(255),
  "a b",
  "con/../x",
] as const;
