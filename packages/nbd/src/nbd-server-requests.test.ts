import { type BlockDevice, createMemoryDevice, DeviceError } from "@blkmig/device";
import { expect, test } from "vitest";

import {
  DISK_BYTES,
  garbageDisk,
  type HandClient,
  patternAt,
  type RequestFields,
  serverUnderTest,
} from "./nbd-server.test-kit.ts";

const [READ, WRITE, DISC, FLUSH, TRIM, CACHE, ZEROES, STATUS] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const [EPERM, EIO, EINVAL, ENOSPC, EOVERFLOW, ENOTSUP] = [1, 5, 22, 28, 75, 95] as const;

async function client(device: BlockDevice, more: Parameters<HandClient["go"]>[1] & { readOnly?: boolean } = {}) {
  const blockSizes = { minimum: 1, maximum: 65_536 };
  const under = serverUnderTest([{ name: "disk", device, blockSizes, readOnly: more.readOnly ?? false }]);
  const hand = under.join({ split: (available) => Math.ceil(available / 3) });
  await hand.go("disk", { contexts: ["base:allocation"], ...more });
  return hand;
}

let cookies = 0n;
async function ask(hand: HandClient, command: number, fields: RequestFields = {}) {
  const cookie = (cookies += 1n) | (1n << 63n);
  await hand.request(command, cookie, fields);
  const reply = await hand.reply();
  expect(reply.cookie).toBe(cookie);
  return reply;
}

test("what is written is read, by simple and by structured replies", async () => {
  for (const structured of [true, false]) {
    const hand = await client(garbageDisk(), { structured });
    const data = patternAt(7, 50_000);
    expect((await ask(hand, WRITE, { offset: 100, data })).error).toBe(0);
    const reply = await ask(hand, READ, { offset: 99, length: 50_002 });
    expect(reply.data).toEqual(Uint8Array.from([patternAt(99, 1)[0]!, ...data, patternAt(50_100, 1)[0]!]));
    expect(reply.chunk).toBe(structured ? 1 : undefined);
    if (structured) expect(new DataView(reply.payload.buffer).getBigUint64(0)).toBe(99n);
    const whole = await ask(hand, READ, { offset: DISK_BYTES - 1, length: 1, flags: structured ? 4 : 0 });
    expect(whole.data).toEqual(patternAt(DISK_BYTES - 1, 1));
  }
});

test("zeroes are zeroes: trimmed, or kept in place, and known as such", async () => {
  const hand = await client(garbageDisk());
  expect((await ask(hand, TRIM, { offset: 65_536, length: 65_536 })).error).toBe(0);
  expect((await ask(hand, ZEROES, { offset: 196_608, length: 65_536, flags: 2 })).error).toBe(0);
  expect((await ask(hand, ZEROES, { offset: 262_144, length: 100, flags: 1 })).error).toBe(0);
  expect((await ask(hand, READ, { offset: 65_536, length: 65_536 })).data).toEqual(new Uint8Array(65_536));
  expect((await ask(hand, READ, { offset: 262_144, length: 101 })).data[100]).toBe(patternAt(262_244, 1)[0]);
  const status = await ask(hand, STATUS, { length: DISK_BYTES });
  const view = new DataView(status.payload.buffer, status.payload.byteOffset);
  const words = Array.from({ length: status.payload.length / 4 }, (_, index) => view.getUint32(index * 4));
  expect(status.chunk).toBe(5);
  expect(words).toEqual([1, 65_536, 0, 65_536, 3, DISK_BYTES - 131_072, 0]);
  const one = await ask(hand, STATUS, { offset: 65_537, length: 131_072, flags: 8 });
  expect([...one.payload.subarray(4)]).toEqual([0, 0, 255, 255, 0, 0, 0, 3]);
});

test("a fast zeroing is refused where it would not be fast", async () => {
  const slow: BlockDevice = {
    ...garbageDisk(),
    async zero(_offset, _length, options) {
      if (options?.fast) throw new DeviceError("not-supported", "disk", "zeroes would be written");
    },
  };
  const hand = await client(slow);
  expect((await ask(hand, ZEROES, { length: 4096, flags: 16 })).error).toBe(ENOTSUP);
  expect((await ask(hand, ZEROES, { length: 4096 })).error).toBe(0);
});

test("CACHE reads all of the range, and says when it cannot", async () => {
  const asked: [number, number][] = [];
  const disk = createMemoryDevice({ size: 5 * 1024 * 1024, fill: 7 });
  const device: BlockDevice = {
    ...disk,
    async read(offset, into) {
      asked.push([offset, into.length]);
      return disk.read(offset, into);
    },
  };
  expect((await ask(await client(device), CACHE, { offset: 5, length: 2 * 1024 * 1024 + 9 })).error).toBe(0);
  expect(asked).toEqual([
    [5, 1_048_576],
    [1_048_581, 1_048_576],
    [2_097_157, 9],
  ]);
});

test("every request that is wrong has its error, and the conversation goes on", async () => {
  const wrong: readonly (readonly [string, number, RequestFields, number])[] = [
    ["read beyond the end", READ, { offset: DISK_BYTES - 1, length: 2 }, EINVAL],
    ["read far beyond", READ, { offset: 2 ** 60, length: 2 }, EINVAL],
    ["read of nothing", READ, {}, EINVAL],
    ["read too long", READ, { length: 65_537 }, EOVERFLOW],
    ["read with a flag of writes", READ, { length: 1, flags: 2 }, EINVAL],
    ["write beyond the end", WRITE, { offset: DISK_BYTES - 1, data: new Uint8Array(2) }, ENOSPC],
    ["write too long", WRITE, { data: new Uint8Array(65_537) }, EINVAL],
    ["write with an unknown flag", WRITE, { data: new Uint8Array(3), flags: 64 }, EINVAL],
    ["trim beyond the end", TRIM, { offset: DISK_BYTES, length: 1 }, EINVAL],
    ["zeroes beyond the end", ZEROES, { offset: DISK_BYTES, length: 1 }, ENOSPC],
    ["zeroes of 4 GiB", ZEROES, { length: 0xffffffff }, ENOSPC],
    ["status beyond the end", STATUS, { length: 0xffffffff }, EINVAL],
    ["cache beyond the end", CACHE, { length: 0xffffffff }, EINVAL],
    ["no command", 99, {}, EINVAL],
  ];
  for (const structured of [true, false]) {
    const hand = await client(garbageDisk(), structured ? {} : { structured });
    for (const [what, command, fields, error] of wrong) {
      const expected = structured || command !== STATUS ? error : EINVAL;
      expect([what, (await ask(hand, command, fields)).error]).toEqual([what, expected]);
    }
    expect((await ask(hand, READ, { length: 5 })).data).toEqual(patternAt(0, 5));
  }
});

test("status without its context is an error", async () => {
  const hand = await client(garbageDisk(), { contexts: [] });
  expect((await ask(hand, STATUS, { length: 1 })).error).toBe(EINVAL);
});

test("nothing is changed by a client of a read-only export", async () => {
  const disk = garbageDisk();
  const hand = await client(disk, { readOnly: true });
  expect((await ask(hand, WRITE, { data: new Uint8Array(9) })).error).toBe(EPERM);
  expect((await ask(hand, TRIM, { length: 9 })).error).toBe(EPERM);
  expect((await ask(hand, ZEROES, { length: 9 })).error).toBe(EPERM);
  expect((await ask(hand, FLUSH)).error).toBe(0);
  expect((await ask(hand, READ, { length: 9 })).data).toEqual(patternAt(0, 9));
});

test("requests that are no whole blocks are refused, but for the end of the disk", async () => {
  const blockSizes = { minimum: 512 };
  const { join } = serverUnderTest([{ name: "disk", device: garbageDisk(1000), blockSizes }]);
  const hand = join();
  await hand.go("disk");
  expect((await ask(hand, READ, { offset: 1, length: 512 })).error).toBe(EINVAL);
  expect((await ask(hand, READ, { length: 511 })).error).toBe(EINVAL);
  expect((await ask(hand, READ, { offset: 512, length: 488 })).data).toEqual(patternAt(512, 488));
});

test("what the device cannot do is said in a sentence, and the connection lives on", async () => {
  const broken = async (offset: number): Promise<void> => {
    if (offset === 0) throw new DeviceError("io", "disk", "the platter is scratched");
    if (offset === 1) throw new DeviceError("no-space", "disk", "full");
    if (offset === 2) throw new Error("a bug");
  };
  const hand = await client({ ...garbageDisk(), read: broken, write: broken });
  const reply = await ask(hand, READ, { length: 10 });
  expect([reply.error, reply.chunk]).toEqual([EIO, 0x8001]);
  expect(new TextDecoder().decode(reply.payload.subarray(6))).toBe("disk 'disk': the platter is scratched");
  expect((await ask(hand, WRITE, { offset: 1, data: new Uint8Array(4) })).error).toBe(ENOSPC);
  expect((await ask(hand, WRITE, { offset: 2, data: new Uint8Array(4) })).error).toBe(EIO);
  expect((await ask(hand, READ, { offset: 3, length: 4 })).error).toBe(0);
});

test("what is no request, and a write of gigabytes, end the conversation", async () => {
  const noise = await client(garbageDisk());
  await noise.connection.send([new Uint8Array(28)]);
  await expect(noise.reply()).rejects.toThrow("went away");
  const huge = await client(garbageDisk());
  await huge.request(WRITE, 1n, { length: 0x7fffffff });
  await expect(huge.reply()).rejects.toThrow("went away");
});

test("after a goodbye what was asked for is answered, and the server ends", async () => {
  const hand = await client(garbageDisk());
  for (let cookie = 0n; cookie < 5n; cookie++) void hand.request(READ, cookie, { length: 3 });
  void hand.request(DISC, 9n);
  for (let replies = 0; replies < 5; replies++) await hand.reply();
  expect(await hand.connection.read(new Uint8Array(1))).toBe(0);
});
