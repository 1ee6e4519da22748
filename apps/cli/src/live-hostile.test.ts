import { once } from "node:events";
import { createConnection, type Socket } from "node:net";

import { expect, it, onTestFinished } from "vitest";

import { type CheckedGuest, startCheckedGuest } from "./live/checked-writes.test-kit.ts";
import { makeDisk, MIB } from "./make-disks.test-kit.ts";
import { emptyNodeMemory, measureMemory } from "./measure-memory.test-kit.ts";
import { temporaryFolder } from "./run-blkmig.test-kit.ts";
import { type Served, startServing } from "./serving.test-kit.ts";

const SIZE = 64 * MIB;
/** What all clients' payload may have together is 128 MiB, and there is a heap beside it. */
const MOST_ABOVE_NODE = 400 * MIB;

const OPTION_MAGIC = Buffer.from("IHAVEOPT");
const [EXPORT_NAME, LIST, GO, STRUCTURED, META] = [1, 3, 7, 8, 10];
const FIXED_NO_ZEROES = Buffer.from([0, 0, 0, 3]);
const [READ, WRITE, TRIM] = [0, 1, 4];

function option(code: number, data: Uint8Array = new Uint8Array(0), said = data.length): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(code, 0);
  head.writeUInt32BE(said >>> 0, 4);
  return Buffer.concat([OPTION_MAGIC, head, data]);
}

function request(type: number, { offset = 0n, length = 0, cookie = 1n } = {}): Buffer {
  const head = Buffer.alloc(28);
  head.writeUInt32BE(0x25609513, 0);
  head.writeUInt16BE(type, 6);
  head.writeBigUInt64BE(cookie, 8);
  head.writeBigUInt64BE(offset, 16);
  head.writeUInt32BE(length >>> 0, 24);
  return head;
}

const repeat = (count: number, bytes: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => bytes));

/** Has the export, and may ask for anything. */
const LET_IN = Buffer.concat([FIXED_NO_ZEROES, option(EXPORT_NAME, Buffer.from("a"))]);

interface Siege {
  readonly served: Served;
  readonly guest: CheckedGuest;
  /** Says that, and reads nothing. */
  attack(bytes: Uint8Array): Socket;
  /** Most memory that the server ever had, above what Node.js has; after its end. */
  end(): Promise<number>;
}

async function besiege(): Promise<Siege> {
  const path = temporaryFolder();
  const disk = makeDisk(path("disk"), SIZE);
  const { env, peak } = measureMemory(path("peak"));
  const served = await startServing({ disks: { a: disk }, env });
  const guest = startCheckedGuest(await served.dial("a"));
  const socket = decodeURIComponent(/socket=(.*)$/u.exec(served.url("a"))![1]!);
  return {
    served,
    guest,
    attack(bytes) {
      const peer = createConnection(socket);
      onTestFinished(() => void peer.destroy());
      peer.on("error", () => {}); // it is hung up on
      peer.pause();
      peer.write(bytes);
      return peer;
    },
    async end() {
      await guest.stop();
      expect(guest.failure).toBeUndefined();
      served.running.process.kill("SIGTERM");
      expect(await served.running.ended).toMatchObject({ code: 0 });
      expect(guest.missingIn(disk)).toEqual([]);
      return peak() - emptyNodeMemory(path("empty"));
    },
  };
}

const QUERY = Buffer.from([0, 0, 0, 1, 0x61, 0, 0, 0, 0]);

it.each<readonly [string, number, Uint8Array]>([
  ["say nothing", 500, new Uint8Array(0)],
  ["stop in the middle of a handshake", 300, Buffer.concat([FIXED_NO_ZEROES, OPTION_MAGIC, Buffer.from([0, 0])])],
  [
    "promise four gigabytes of an option",
    100,
    Buffer.concat([FIXED_NO_ZEROES, option(GO, Buffer.alloc(65_536), 2 ** 32 - 1)]),
  ],
  ["ask options without end", 50, Buffer.concat([FIXED_NO_ZEROES, repeat(20_000, option(LIST))])],
  [
    "choose contexts without end",
    50,
    Buffer.concat([FIXED_NO_ZEROES, option(STRUCTURED), repeat(10_000, option(META, QUERY))]),
  ],
  [
    "read 32 MiB at once, again and again, and take no answer",
    60,
    Buffer.concat([LET_IN, repeat(500, request(READ, { length: 32 * MIB }))]),
  ],
  ["read four gigabytes", 60, Buffer.concat([LET_IN, repeat(500, request(READ, { length: 2 ** 32 - 1 }))])],
  [
    "promise to write 32 MiB, and say a little",
    200,
    Buffer.concat([LET_IN, request(WRITE, { length: 32 * MIB }), Buffer.alloc(1000)]),
  ],
  [
    "promise to write four gigabytes",
    60,
    Buffer.concat([LET_IN, request(WRITE, { length: 2 ** 32 - 1 }), Buffer.alloc(100_000)]),
  ],
  [
    "ask outside of the disk",
    60,
    Buffer.concat([LET_IN, repeat(5000, request(TRIM, { offset: 2n ** 64n - 1n, length: 1 }))]),
  ],
  ["speak something else", 200, Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000))],
])("who %s (%i of them) cost little, and another client works on", async (_, count, bytes) => {
  const on = await besiege();
  await on.guest.more(20);
  const peers = Array.from({ length: count }, () => on.attack(bytes));
  await on.guest.more(100);
  for (const peer of peers.slice(0, count / 2)) peer.destroy();
  await on.guest.more(50);
  expect(await on.end()).toBeLessThan(MOST_ABOVE_NODE);
});

it("connections that come and go at once, thousands of them, leave nothing, and another client works on", async () => {
  const on = await besiege();
  for (let round = 0; round < 20; round++) {
    const peers = Array.from({ length: 200 }, () => on.attack(LET_IN));
    await Promise.all(peers.map(async (peer) => once(peer, "connect").catch(() => {})));
    for (const peer of peers) peer.destroy();
    await on.guest.more(5);
  }
  await on.guest.more(50);
  await expect
    .poll(async () => (await on.served.status())["disks"], { timeout: 20_000 })
    .toMatchObject([
      { clients: { length: 4 } }, // the guest's own
    ]);
  expect(await on.end()).toBeLessThan(MOST_ABOVE_NODE);
});
