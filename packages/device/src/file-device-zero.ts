import type { ZeroOptions } from "./block-device.ts";
import { notFaster } from "./fast-zero.ts";
import { codeOf, requestFailed } from "./file-device-error.ts";
import { writeAll } from "./file-device-transfer.ts";
import type { OpenFile } from "./open-file.ts";
import type { Syscalls } from "./syscalls.ts";

/** One call at most covers this much, so that a slow device gives its thread back now and then. */
const BYTES_A_CALL = 2 ** 30;

const ZEROES_BYTES = 2 ** 20;
const ZEROES_A_WRITE = 8;

/** How zeroes come to a file: asked of the system where that can be, written where not. */
export interface Zeroing {
  readonly device: string;
  readonly file: OpenFile;
  readonly kind: "file" | "block";
  readonly syscalls: Syscalls | undefined;
}

/** Zeroes an extent, as `BlockDevice.zero` does within its bounds. Throws `DeviceError`. */
export type Zero = (offset: number, length: number, options: Required<ZeroOptions>) => Promise<void>;

type Way = (fd: number, offset: number, length: number) => Promise<void>;

export function createZero(zeroing: Zeroing): Zero {
  const { device, file, syscalls } = zeroing;
  const sector = sectorOf(zeroing);
  let zeroes: Uint8Array | undefined;

  async function write(from: number, to: number): Promise<void> {
    zeroes ??= new Uint8Array(ZEROES_BYTES);
    for (let at = from; at < to;) {
      const data = zeroSegments(zeroes, to - at);
      await writeAll(file, device, at, data);
      for (const segment of data) at += segment.length;
    }
  }

  /** How far the first way came that the system has; `from`, and nothing was changed, if it has none. */
  async function ask(ways: readonly Way[], from: number, to: number): Promise<number> {
    for (const way of ways) {
      const reached = await tryWay(way, file.fd, from, to);
      if (reached > from) return reached;
    }
    return from;
  }

  return async (offset, length, options) => {
    const end = offset + length;
    const whole = wholeSectors(offset, end, sector);
    const ways = syscalls ? waysOf(syscalls, zeroing.kind, options) : [];
    try {
      const reached = await ask(ways, whole.from, whole.to);
      if (options.fast && length > 0 && reached === whole.from) throw notFaster(device, offset, length);
      await write(offset, whole.from);
      await write(reached, end);
    } catch (error) {
      throw requestFailed(device, `zeroing of ${length} bytes at ${offset}`, offset, error);
    }
  };
}

/**
 * Best first. The kernel's own punch on a block device gives sectors back only if they then read as zero, and never writes them.
 * Its way that keeps them does where the device has no command for it, and does not say so: that is never the fast one.
 */
function waysOf(syscalls: Syscalls, kind: "file" | "block", { unmap, fast }: Required<ZeroOptions>): Way[] {
  const punch: Way = async (fd, offset, length) => syscalls.punchHole(fd, offset, length);
  const zeroRange: Way = async (fd, offset, length) => syscalls.zeroRange(fd, offset, length);
  const zeroOut: Way = async (fd, offset, length) => syscalls.zeroOut(fd, offset, length);
  const keep = kind === "file" ? [zeroRange] : fast ? [] : [zeroOut];
  return unmap ? [punch, ...keep] : keep;
}

/** How far it came: less than `to` where the system has no such way. */
async function tryWay(way: Way, fd: number, from: number, to: number): Promise<number> {
  let at = from;
  try {
    for (; at < to; at = Math.min(at + BYTES_A_CALL, to)) await way(fd, at, Math.min(BYTES_A_CALL, to - at));
  } catch (error) {
    if (!["EOPNOTSUPP", "ENOTSUP", "ENOSYS", "ENOTTY", "EINVAL", "EPERM"].includes(codeOf(error))) throw error;
  }
  return at;
}

function sectorOf({ kind, syscalls, file }: Zeroing): number {
  return kind === "block" && syscalls ? syscalls.sectorSize(file.fd) : 1;
}

/** The whole sectors inside an extent; `from` = `to` where there is none, so that all of it is edge. */
export function wholeSectors(from: number, to: number, sector: number): { from: number; to: number } {
  const first = Math.ceil(from / sector) * sector;
  const last = Math.floor(to / sector) * sector;
  return first < last ? { from: first, to: last } : { from, to: from };
}

function zeroSegments(zeroes: Uint8Array, length: number): Uint8Array[] {
  const segments: Uint8Array[] = [];
  for (let left = length; left > 0 && segments.length < ZEROES_A_WRITE; left -= zeroes.length) {
    segments.push(left < zeroes.length ? zeroes.subarray(0, left) : zeroes);
  }
  return segments;
}
