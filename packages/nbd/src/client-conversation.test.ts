import type { Extent } from "@blkmig/device";
import { memoryPair } from "@blkmig/transport/memory";
import { expect, it } from "vitest";

import { openOver } from "./client-open.ts";
import {
  type Answer,
  chunk,
  dataChunk,
  errorChunk,
  holeChunk,
  type Script,
  ScriptedServer,
  simple,
  statusChunk,
  u32,
  u64,
} from "./client-scripted-server.test-kit.ts";
import type { NbdClientEvent } from "./nbd-contract.ts";

const SIZE = 64 * 1024;

async function opened(script: Partial<Script>) {
  const server = new ScriptedServer({ size: SIZE, ...script }, { split: (available) => Math.ceil(available / 3) });
  const events: NbdClientEvent[] = [];
  const device = await openOver({
    url: "nbd://scripted",
    connect: server.connect,
    exportName: "",
    onEvent: (event) => events.push(event),
  });
  return { server, device, events };
}

it("puts a read together from data and holes in any order", async () => {
  const answer: Answer = async (asked) => [
    ...dataChunk(asked, new Uint8Array(1024).fill(3), 0, 3072),
    ...holeChunk(asked, 1024, 1024, 0),
    ...dataChunk(asked, new Uint8Array(1024).fill(1), 0, 0),
    ...dataChunk(asked, new Uint8Array(1024).fill(2), 0, 2048),
    ...chunk(asked, 0, 1),
  ];
  const { device } = await opened({ answer });
  const into = new Uint8Array(4096).fill(0xa5);
  await device.read(0, into);
  expect([into[0], into[1023], into[1024], into[2047], into[2048], into[3072], into[4095]]).toEqual([
    1, 1, 0, 0, 2, 3, 3,
  ]);
  await device.close();
});

it.each<[string, Answer]>([
  ["a gap", async (asked) => dataChunk(asked, new Uint8Array(511), 1)],
  ["nothing at all", async (asked) => chunk(asked, 0, 1)],
  [
    "the same bytes twice",
    async (asked) => [...holeChunk(asked, 512, 10, 0), ...dataChunk(asked, new Uint8Array(512), 1)],
  ],
  [
    "an overlap by one byte",
    async (asked) => [...dataChunk(asked, new Uint8Array(257), 0), ...holeChunk(asked, 768, 256, 1)],
  ],
  ["bytes before the request", async (asked) => dataChunk(asked, new Uint8Array(512), 1, 511)],
  ["bytes behind the request", async (asked) => dataChunk(asked, new Uint8Array(513), 1)],
  ["a hole behind the request", async (asked) => holeChunk(asked, 513, 512, 1)],
  ["a hole without bytes", async (asked) => holeChunk(asked, 512, 0, 1)],
  ["a description", async (asked) => statusChunk(asked, 1, [[512, 0]], 1)],
  ["another magic", async () => [u32(0x12345678), u64(0), u64(0)]],
  ["an answer to nobody", async (asked) => [simple({ ...asked, cookie: 99n })]],
  ["an answer to nobody of 64 bits", async (asked) => [simple({ ...asked, cookie: asked.cookie + 2n ** 63n })]],
  ["an unknown kind of chunk", async (asked) => chunk(asked, 77, 1, u32(1))],
  ["a chunk too long to be believed", async (asked) => [...chunk(asked, 5, 1).slice(0, 4), u32(2 ** 31)]],
])("takes a read that is answered with %s for no NBD, for good", async (_, answer) => {
  const { device, events, server } = await opened({ answer });
  await expect(device.read(512, new Uint8Array(512))).rejects.toMatchObject({
    name: "DeviceError",
    code: "io",
    cause: { name: "NbdError", code: "protocol" },
  });
  expect(events).toMatchObject([{ type: "failed", error: { code: "protocol" } }]);
  await expect(device.write(0, [new Uint8Array(1)])).rejects.toMatchObject({ cause: { code: "protocol" } });
  await device.close();
  expect(server.connects).toBe(1);
});

it("says what the server said, where it failed, and lives on", async () => {
  const answer: Answer = async (asked) =>
    asked.offset === 0 ? errorChunk(asked, 28, "the pool is full", 1) : chunk(asked, 0, 1);
  const { device, server } = await opened({ answer });
  await expect(device.write(0, [new Uint8Array(512)])).rejects.toMatchObject({
    code: "no-space",
    offset: 0,
    message: expect.stringContaining("write of 512 bytes at 0 refused by the server: ENOSPC (the pool is full)"),
  });
  await device.write(512, [new Uint8Array(512)]);
  await device.close();
  expect([server.connects, server.goodbyes]).toEqual([1, 1]);
});

it("keeps many requests under way and takes the answers in any order", async () => {
  const waiting: (() => void)[] = [];
  const answer: Answer = async (asked) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return server.perform(asked);
  };
  const { device, server } = await opened({ answer });
  server.bytes.forEach((_, at) => (server.bytes[at] = at % 251));
  const reads = Array.from({ length: 100 }, async (_, i) => {
    const into = new Uint8Array(512);
    await device.read(i * 512, into);
    expect(into.every((byte, at) => byte === (i * 512 + at) % 251)).toBe(true);
  });
  while (waiting.length < 64) await new Promise((resolve) => setImmediate(resolve));
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(waiting.length).toBe(64); // and no more than that
  const all = Promise.all(reads);
  let isDone = false;
  void all.then(() => (isDone = true));
  while (!isDone) {
    waiting.pop()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await device.close();
});

it("joins what two contexts say: holes and zeroes of one, layers of the other", async () => {
  const contexts = { "base:allocation": 5, "qemu:allocation-depth": 9 };
  const answer: Answer = async (asked) => [
    ...statusChunk(
      asked,
      9,
      [
        [1024, 1],
        [2048, 2],
        [1024, 0],
      ],
      0,
    ),
    ...statusChunk(
      asked,
      5,
      [
        [2048, 0],
        [1024, 3],
        [4096, 2],
      ],
      1,
    ),
  ];
  const { device } = await opened({ contexts, answer });
  expect(device.features).toMatchObject({ allocation: true, allocationDepth: true });
  expect(await collect(device.extents(0, 4096))).toEqual([
    { offset: 0, length: 1024, zero: false, allocated: true },
    { offset: 1024, length: 1024, zero: false, allocated: false },
    { offset: 2048, length: 2048, zero: true, allocated: false },
  ]);
  await device.close();
});

it("asks on where an answer ends, and clips what is longer", async () => {
  const answer: Answer = async (asked) => {
    if (asked.offset === 0)
      return statusChunk(
        asked,
        5,
        [
          [1000, 0],
          [24, 3],
        ],
        1,
      );
    return statusChunk(asked, 5, [[2 ** 20, 3]], 1);
  };
  const { device, server } = await opened({ contexts: { "base:allocation": 5 }, answer });
  expect(await collect(device.extents(0, 4096))).toEqual([
    { offset: 0, length: 1000, zero: false, allocated: true },
    { offset: 1000, length: 24, zero: true, allocated: false },
    { offset: 1024, length: 3072, zero: true, allocated: false },
  ]);
  expect(server.asked.map(({ offset, length }) => [offset, length])).toEqual([
    [0, 4096],
    [1024, 3072],
  ]);
  await device.close();
});

it.each<[string, Answer]>([
  ["a context that nobody asked for", async (asked) => statusChunk(asked, 6, [[4096, 0]], 1)],
  [
    "one context twice",
    async (asked) => [...statusChunk(asked, 5, [[4096, 0]], 0), ...statusChunk(asked, 5, [[4096, 0]], 1)],
  ],
  ["no context", async (asked) => chunk(asked, 0, 1)],
  ["a run of no bytes", async (asked) => statusChunk(asked, 5, [[0, 0]], 1)],
  ["half a run", async (asked) => chunk(asked, 5, 1, u32(5), u32(4096), u32(0), u32(1))],
])("takes a description with %s for no NBD", async (_, answer) => {
  const { device } = await opened({ contexts: { "base:allocation": 5 }, answer });
  await expect(collect(device.extents(0, 4096))).rejects.toMatchObject({ cause: { code: "protocol" } });
  await device.close();
});

it("knows nothing of holes where no context is agreed on", async () => {
  const { device } = await opened({});
  expect(await collect(device.extents(512, 1024))).toEqual([
    { offset: 512, length: 1024, zero: false, allocated: true },
  ]);
  await device.close();
});

it.each([
  ["is not NBD", [new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n")], "protocol"],
  ["is oldstyle", [new TextEncoder().encode("NBDMAGIC"), u64(0x420281861253n), new Uint8Array(136)], "option"],
] as const)("refuses a server that %s", async (_, bytes, code) => {
  const connect = async () => {
    const [near, far] = memoryPair();
    void far.send(bytes).catch(() => {});
    return near;
  };
  await expect(openOver({ url: "nbd://scripted", connect, exportName: "" })).rejects.toMatchObject({
    name: "NbdError",
    code,
  });
});

async function collect(extents: AsyncIterable<Extent>): Promise<Extent[]> {
  const collected: Extent[] = [];
  for await (const extent of extents) collected.push(extent);
  return collected;
}
