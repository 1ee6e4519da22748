import { getSystemErrorName } from "node:util";

import type { default as Koffi, KoffiFunc } from "koffi";

import type { Segments } from "./block-device.ts";
import { createCallGate } from "./linux-call-gate.ts";
import { flockOfByte, typeOfFlock } from "./linux-flock.ts";
import { createIovecs } from "./linux-iovec.ts";
import * as linux from "./linux-numbers.ts";
import type { Syscalls } from "./syscalls.ts";

/** koffi refuses more than 256 calls under way, and libuv has 4 threads for them unless told otherwise. */
const CALLS_UNDER_WAY = 16;

/** Segments in one call that does not wait: what is larger than some pages is no work for it. */
const IOVECS = 16;

/** Linux's calls by koffi; undefined where it is not installed, does not load, or the architecture is another. */
export const linuxSyscalls: Promise<Syscalls | undefined> = load();

async function load(): Promise<Syscalls | undefined> {
  if (process.platform !== "linux" || !linux.hasTheseNumbers(process.arch)) return undefined;
  try {
    const koffi = await import("koffi");
    return bind(koffi.default);
  } catch {
    return undefined; // an optional dependency, and there are libcs without a binary of it
  }
}

type Arguments = (number | Uint8Array)[];
type Call = KoffiFunc<(...values: Arguments) => number>;

function bind(koffi: typeof Koffi): Syscalls {
  const libc = koffi.load(null);
  const lseek = libc.func("int64_t lseek(int, int64_t, int)") as Call;
  const fallocate = libc.func("int fallocate(int, int, int64_t, int64_t)") as Call;
  // Variadic in C. koffi cannot call those on a thread; a Linux of these architectures passes one pointer alike either way.
  const fcntl = libc.func("int fcntl(int, int, void *)") as Call;
  const ioctl = libc.func("int ioctl(int, unsigned long, void *)") as Call;
  const iovecs = createIovecs(IOVECS, (segment) => koffi.address(segment));
  const preadv2 = transferOf("preadv2");
  const pwritev2 = transferOf("pwritev2");
  const gate = createCallGate(CALLS_UNDER_WAY);

  /** Not every libc has them. */
  function transferOf(name: "preadv2" | "pwritev2"): (...values: Arguments) => number {
    try {
      return libc.func(`int64_t ${name}(int, void *, int, int64_t, int)`) as Call;
    } catch {
      return () => {
        throw systemError(name, koffi.os.errno["ENOSYS"] ?? 0);
      };
    }
  }

  function transferCached(
    name: string,
    call: (...values: Arguments) => number,
    fd: number,
    data: Segments,
    offset: number,
  ): number | undefined {
    // The addresses are used in this call only, so that no memory need be kept where it is.
    const count = call(fd, iovecs.bytes, iovecs.put(data), offset, linux.RWF_NOWAIT);
    if (count >= 0) return count;
    const errno = koffi.errno();
    if (errno === koffi.os.errno["EAGAIN"] || errno === koffi.os.errno["EINTR"]) return undefined;
    throw systemError(name, errno);
  }

  function now(name: string, call: Call, ...values: Arguments): number {
    const result = call(...values);
    if (result < 0) throw systemError(name, koffi.errno());
    return result;
  }

  /** On a thread of its own. A signal may end such a call early; none of ours is half done by that, so it begins again. */
  async function long(name: string, call: Call, ...values: Arguments): Promise<void> {
    for (;;) {
      const errno = await gate(async () => errnoOf(call, values));
      if (errno === 0) return;
      if (errno !== koffi.os.errno["EINTR"]) throw systemError(name, errno);
    }
  }

  async function errnoOf(call: Call, values: Arguments): Promise<number> {
    return new Promise((resolve, reject) => {
      call.async(...values, (error: Error | null, result: number) => {
        if (error) reject(error);
        else resolve(result < 0 ? koffi.errno() : 0);
      });
    });
  }

  function seek(fd: number, from: number, whence: number): number | undefined {
    const found = lseek(fd, from, whence);
    if (found >= 0) return found;
    const errno = koffi.errno();
    if (errno === koffi.os.errno["ENXIO"]) return undefined;
    throw systemError("lseek", errno);
  }

  return {
    seekData: (fd, from) => seek(fd, from, linux.SEEK_DATA),
    seekHole: (fd, from) => seek(fd, from, linux.SEEK_HOLE),
    seekEnd: (fd) => now("lseek", lseek, fd, 0, linux.SEEK_END),
    readCached: (fd, into, offset) => transferCached("preadv2", preadv2, fd, [into], offset),
    writeCached: (fd, data, offset) => transferCached("pwritev2", pwritev2, fd, data, offset),
    punchHole: async (fd, offset, length) =>
      long("fallocate", fallocate, fd, linux.FALLOC_PUNCH_HOLE | linux.FALLOC_KEEP_SIZE, offset, length),
    zeroRange: async (fd, offset, length) =>
      long("fallocate", fallocate, fd, linux.FALLOC_ZERO_RANGE | linux.FALLOC_KEEP_SIZE, offset, length),
    zeroOut: async (fd, offset, length) => {
      const range = new BigUint64Array([BigInt(offset), BigInt(length)]);
      await long("ioctl", ioctl, fd, linux.BLKZEROOUT, new Uint8Array(range.buffer));
    },
    blockDeviceSize: (fd) => {
      const size = new BigUint64Array(1);
      now("ioctl", ioctl, fd, linux.BLKGETSIZE64, new Uint8Array(size.buffer));
      return Number(size[0]);
    },
    sectorSize: (fd) => {
      const size = new Int32Array(1);
      now("ioctl", ioctl, fd, linux.BLKSSZGET, new Uint8Array(size.buffer));
      return size[0] ?? 0;
    },
    lockShared: (fd, byte) => {
      now("fcntl", fcntl, fd, linux.F_OFD_SETLK, flockOfByte(linux.F_RDLCK, byte));
    },
    lockedByOther: (fd, byte) => {
      const flock = flockOfByte(linux.F_WRLCK, byte); // a write lock that we only ask about meets shared ones too
      now("fcntl", fcntl, fd, linux.F_OFD_GETLK, flock);
      return typeOfFlock(flock) !== linux.F_UNLCK;
    },
  };
}

function systemError(syscall: string, errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${code}: ${syscall}`), { code, errno: -errno, syscall });
}
