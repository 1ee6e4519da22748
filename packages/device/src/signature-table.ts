/** What it is, where its magic bytes begin, and those bytes, a character each. */
export type Signature = readonly [what: string, offset: number, magic: string];

// From each format's specification. The first that fits is told, so the boot sector's common end comes last.
export const SIGNATURES: readonly Signature[] = [
  ["LUKS encryption", 0, "LUKS\xba\xbe"],
  ["an LVM physical volume", 24, "LVM2 001"],
  ["an LVM physical volume", 512 + 24, "LVM2 001"],
  ["an LVM physical volume", 1024 + 24, "LVM2 001"],
  ["an LVM physical volume", 1536 + 24, "LVM2 001"],
  ["a member of a Linux RAID", 0, "\xfc\x4e\x2b\xa9"], // 1.1
  ["a member of a Linux RAID", 4096, "\xfc\x4e\x2b\xa9"], // 1.2
  ["a bcache device", 4096 + 24, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81"],
  ["swap space", 4096 - 10, "SWAPSPACE2"],
  ["swap space", 16384 - 10, "SWAPSPACE2"],
  ["swap space", 65536 - 10, "SWAPSPACE2"],
  ["a btrfs file system", 65536 + 64, "_BHRfS_M"],
  ["an xfs file system", 0, "XFSB"],
  ["an ext4 file system", 1024 + 56, "\x53\xef"], // or ext2, ext3
  ["an f2fs file system", 1024, "\x10\x20\xf5\xf2"],
  ["a squashfs file system", 0, "hsqs"],
  ["an iso9660 file system", 32768 + 1, "CD001"],
  ["an ntfs file system", 3, "NTFS    "],
  ["an exfat file system", 3, "EXFAT   "],
  ["a vfat file system", 82, "FAT32   "],
  ["a vfat file system", 54, "FAT16   "],
  ["a vfat file system", 54, "FAT12   "],
  ["a qcow2 image", 0, "QFI\xfb"],
  ["a vmdk image", 0, "KDMV"],
  ["a vdi image", 64, "\x7f\x10\xda\xbe"],
  ["a vhdx image", 0, "vhdxfile"],
  ["a GPT partition table", 512, "EFI PART"],
  ["a GPT partition table", 4096, "EFI PART"], // sectors of 4 KiB
  ["an MBR partition table", 510, "\x55\xaa"], // or any boot sector
];
