// From <fcntl.h>, <linux/falloc.h>, <linux/fs.h>, <linux/uio.h> and <unistd.h>. The ioctl numbers are those of `asm-generic`.
export const SEEK_END = 2;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;

export const FALLOC_KEEP_SIZE = 0x01;
export const FALLOC_PUNCH_HOLE = 0x02;
export const FALLOC_ZERO_RANGE = 0x10;

export const RWF_NOWAIT = 0x08;

export const BLKSSZGET = 0x1268; // int
export const BLKZEROOUT = 0x127f; // u64 start, u64 length
export const BLKGETSIZE64 = 0x80081272; // u64

export const F_OFD_GETLK = 36;
export const F_OFD_SETLK = 37;
export const F_RDLCK = 0;
export const F_WRLCK = 1;
export const F_UNLCK = 2;

/** Whether an architecture is 64 bits wide and has these numbers (ppc64, mips64 and sparc64 have others). */
export function hasTheseNumbers(arch: string): boolean {
  return ["x64", "arm64", "riscv64", "loong64"].includes(arch);
}
