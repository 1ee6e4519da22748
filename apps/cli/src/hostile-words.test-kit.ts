import { hello, rawFrame, rawMessage, say } from "./hostile-peer.test-kit.ts";
import { MIB } from "./make-disks.test-kit.ts";

/** By name: what a peer says, and what the log says of it. */
type Lies = Readonly<Record<string, readonly [bytes: Buffer, sentence: RegExp]>>;

/** A disk of HELLO's table, but for what is told otherwise. */
export const disk = (lies: object): object => ({ name: "a", size: MIB, granularity: 65536, ...lies });
const offering = (...disks: readonly unknown[]): Buffer => hello("m", { disks });

/** Before anything is agreed. */
export const FIRST_WORDS: Lies = {
  "a message of 4 GiB": [rawFrame({ type: 6, size: 0xffff_ffff }), /4294967295/],
  "a message one byte too long": [rawFrame({ type: 6, size: 131_073 }), /131073/],
  "data of 4 GiB": [rawFrame({ type: 1, size: 0xffff_ffff, length: 0xffff_ffffn }), /4294967295/],
  "an optional frame of 4 GiB": [rawFrame({ type: 0x80, size: 0xffff_ffff }), /4294967295/],
  "data before HELLO": [rawFrame({ type: 1, length: 4n, payload: Buffer.alloc(4) }), /HELLO/],
  "a hole before HELLO": [rawFrame({ type: 2, length: 4096n }), /HELLO/],
  "a type that is none": [rawFrame({ type: 9 }), /type/],
  "a header of noise": [Buffer.alloc(64, 0xa7), /checksum/],
  "no JSON": [rawMessage('{"say":"hello"'), /JSON/],
  "brackets 100000 deep": [rawMessage("[".repeat(100_000)), /JSON/],
  "a HELLO of nothing": [rawMessage('{"say":"hello"}'), /versions/],
  "a later version": [hello("m", { versions: [3, 9] }), /version/],
  "versions that cross": [hello("m", { versions: [3, 2] }), /versions/],
  "versions that are text": [hello("m", { versions: "2" }), /versions/],
  "no disk": [offering(), /disks/],
  "257 disks": [offering(...Array.from({ length: 257 }, (_, at) => disk({ name: `d${at}` }))), /disks/],
  "65536 disks, of which as many come as fit": [offering(...Array.from({ length: 40_000 }, () => ({}))), /disks/],
  "a disk twice": [offering(disk({}), disk({})), /disks/],
  "a size that is negative": [offering(disk({ size: -512 })), /size/],
  "a size beyond 2^53": [offering(disk({ size: 2 ** 60 })), /size/],
  "a size of half a sector": [offering(disk({ size: 256 })), /size/],
  "a granularity of a byte": [offering(disk({ granularity: 1 })), /granularity/],
  "frames of 2 GiB": [hello("m", { frameBytes: 2 ** 31 }), /frameBytes/],
  "frames of nothing": [hello("m", { frameBytes: 0 }), /frameBytes/],
  "a migration with a path in it": [hello("../m"), /migration/],
  "a migration of 100 KB": [hello("m".repeat(100_000)), /migration/],
  "65 features": [hello("m", { features: Array.from({ length: 65 }, () => "x") }), /features/],
  "a name of 100 KB": [offering(disk({ name: "a".repeat(100_000) })), /name/],
};

const data = (offset: bigint, length: number, of = 0): Buffer =>
  rawFrame({ type: 1, disk: of, offset, length: BigInt(length), payload: Buffer.alloc(length, 1) });
const damaged = data(0n, 4096);
damaged[1000]! ^= 1;

/** From a peer that was let in. */
export const LATER_WORDS: Lies = {
  "data behind the disk": [data(BigInt(MIB), 4), /4 bytes at 1048576 leave the disk/],
  "data across the disk's end": [data(BigInt(MIB) - 2n, 4), /4 bytes at 1048574 leave the disk/],
  "data of a second disk": [data(0n, 4, 1), /a frame of disk 1, and there are 1/],
  "data of disk 65535": [data(0n, 4, 65_535), /a frame of disk 65535/],
  "data longer than agreed": [rawFrame({ type: 1, size: MIB + 1, length: BigInt(MIB + 1) }), /1048577/],
  "data of 4 GiB, again": [rawFrame({ type: 1, size: 0xffff_ffff, length: 0xffff_ffffn }), /4294967295/],
  "data whose size is not its length": [
    rawFrame({ type: 1, length: 9n, payload: Buffer.alloc(4) }),
    /with a payload of 4 bytes/,
  ],
  "data that is damaged": [damaged, /not the one that was sent/],
  "data at 2^53": [rawFrame({ type: 1, offset: 2n ** 53n, length: 1n, payload: Buffer.alloc(1) }), /2\^53/],
  "a hole of a pebibyte": [rawFrame({ type: 2, length: 2n ** 50n }), /1125899906842624 bytes at 0 leave/],
  "a question beyond the disk": [
    rawFrame({ type: 3, flags: 1, offset: 2n ** 40n, length: 1n }),
    /1 bytes at 1099511627776 leave/,
  ],
  "an acknowledgement": [rawFrame({ type: 5, offset: 9n, length: 9n }), /'ack', which is the sink's/],
  "a second HELLO": [hello("other"), /says 'hello', which is not/],
  "a COMMITTED": [say({ say: "committed", attempt: 1 }), /says 'committed', which is not/],
  "a COMMIT of what was never sealed": [say({ say: "commit", attempt: 1 }), /'commit', but nothing is sealed/],
  "a COMMIT of attempt 4294967296": [say({ say: "commit", attempt: 2 ** 32 }), /'commit', but nothing is sealed/],
  "DONE of what was never committed": [say({ say: "done", attempt: 1 }), /'done', but nothing is sealed/],
  "a SEAL of frames that never came": [say({ say: "seal", attempt: 1, frames: 7, verified: false }), /7 frames, and 0/],
  "a SEAL of nothing": [
    say({ say: "seal", attempt: 1, frames: 0, verified: false }),
    /says that all was sent, but it was not/,
  ],
  "a SEAL that lies about the comparing": [
    Buffer.concat([
      rawFrame({ type: 2, length: BigInt(MIB) }),
      say({ say: "seal", attempt: 1, frames: 1, verified: true }),
    ]),
    /all is verified, but disk 'a' is not/,
  ],
};
