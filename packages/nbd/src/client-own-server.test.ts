import { type BlockDevice, createMemoryDevice } from "@blkmig/device";
import { createRandom, describeBlockDevice, withFaults } from "@blkmig/testkit";
import type { Connection } from "@blkmig/transport";
import { memoryPair } from "@blkmig/transport/memory";
import { expect, it } from "vitest";

import { openOver } from "./client-open.ts";
import type { LinkIdentity, NbdClientEvent, NbdExport } from "./nbd-contract.ts";
import { createNbdServer } from "./nbd-server.ts";

const SIZE = 256 * 1024;
const identity: LinkIdentity = { run: "boot-1", disk: "migration-1" };
const bytes = (fill: number, length = 512) => [new Uint8Array(length).fill(fill)];

/** Our own server, and the way to it, which can be cut. */
function served(device: BlockDevice, more: Partial<NbdExport> = {}) {
  let offered: NbdExport = { name: "vda", device, ...more };
  const server = createNbdServer({ exports: () => [offered] });
  const wires = new Set<Connection>();
  return {
    server,
    offer: (change: Partial<NbdExport>) => (offered = { ...offered, ...change }),
    connect: async (): Promise<Connection> => {
      const [near, far] = memoryPair({ capacity: 64 * 1024, split: (available) => Math.ceil(available / 2) });
      wires.add(near);
      void server.serve(far).then(() => wires.delete(near));
      return near;
    },
    /** As a network does it: both ends hear of it. */
    cut: () => wires.forEach((wire) => wire.destroy(new Error("cut"))),
  };
}

async function opened(way: ReturnType<typeof served>, options: { link?: string; exportName?: string } = {}) {
  const events: NbdClientEvent[] = [];
  const device = await openOver({
    url: "nbd://own",
    connect: way.connect,
    exportName: "vda",
    reconnectFor: Infinity,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { device, events };
}

describeBlockDevice("a disk behind our own server", async (size) => {
  const way = served(createMemoryDevice({ size, fill: 0xee }));
  return {
    device: await openOver({ url: "nbd://own", connect: way.connect, exportName: "vda" }),
    cleanup: async () => way.server.close("now"),
  };
});

it("knows what our server offers", async () => {
  const way = served(createMemoryDevice({ size: SIZE }), { blockSizes: { minimum: 512 } });
  const { device } = await opened(way);
  expect(device.blockSizes).toEqual({ minimum: 512, preferred: 4096, maximum: 32 * 2 ** 20 });
  expect(device.features).toMatchObject({
    flush: true,
    writeZeroes: true,
    multiConn: true,
    structured: true,
    allocation: true,
  });
  await device.close();
  await way.server.close("now");
});

it("is refused where there is no such export, or no link to it", async () => {
  const way = served(createMemoryDevice({ size: SIZE }));
  await expect(opened(way, { exportName: "vdb" })).rejects.toMatchObject({ name: "NbdError", code: "unknown-export" });
  await expect(opened(way, { link: "m-1:vda" })).rejects.toMatchObject({ name: "NbdError", code: "option" });
  await way.server.close("now");
});

it("is the link as long as no newer one comes", async () => {
  const way = served(createMemoryDevice({ size: SIZE }), { link: identity });
  const first = await opened(way, { link: "m-1:a/ü:b" });
  expect(first.device.identity).toEqual(identity);
  await first.device.write(0, bytes(1));
  const joined = () => way.server.clients().length;
  expect(joined()).toBe(1);
  const other = await opened(way, { link: "another" });
  expect(joined()).toBe(2); // another key is another link
  await Promise.all([first.device.close(), other.device.close()]);
  await way.server.close("now");
});

it("fails for good over a host that restarted, and over another disk", async () => {
  for (const [change, code] of [
    [{ link: { ...identity, run: "boot-2" } }, "lost"],
    [{ link: { ...identity, disk: "migration-2" } }, "changed"],
    [{ readOnly: true }, "changed"],
  ] as const) {
    const way = served(createMemoryDevice({ size: SIZE }), { link: identity });
    const { device, events } = await opened(way, { link: "m-1:vda" });
    await device.write(0, bytes(1));
    way.offer(change);
    way.cut();
    await expect(device.read(0, new Uint8Array(1))).rejects.toMatchObject({ code: "io", cause: { code } });
    await expect(device.flush()).rejects.toMatchObject({ cause: { code } });
    expect(events.at(-1)).toMatchObject({ type: "failed", error: { code } });
    await device.close();
    await way.server.close("now");
  }
});

it("goes on over a host that restarted when all had been flushed", async () => {
  const way = served(createMemoryDevice({ size: SIZE }), { link: identity });
  const { device } = await opened(way, { link: "m-1:vda" });
  await device.write(0, bytes(1));
  await device.flush();
  way.offer({ link: { ...identity, run: "boot-2" } });
  way.cut();
  await device.write(0, bytes(2));
  expect(device.identity?.run).toBe("boot-2");
  await device.close();
  await way.server.close("now");
});

it.each(Array.from({ length: 12 }, (_, seed) => seed))(
  "loses no acknowledged write and lands no older one over a newer, however our server is cut off (seed %i)",
  async (seed) => {
    const random = createRandom(seed);
    const slow = withFaults(createMemoryDevice({ size: SIZE, fill: 0xee }), {
      latency: async () => turns(random.int(30)),
    });
    const way = served(slow, { link: identity });
    const { device, events } = await opened(way, { link: "m-1:vda" });
    let isDone = false;
    const writers = Array.from({ length: 64 }, async (_, slot) => {
      for (let version = 1; version <= 12; version++) {
        if (version % 5 === 0) await device.zero(slot * 4096, 4096);
        else await device.write(slot * 4096, bytes(version, 4096));
        const into = new Uint8Array(4096);
        await device.read(slot * 4096, into);
        if (!into.every((byte) => byte === (version % 5 === 0 ? 0 : version)))
          throw new Error(`slot ${slot} went back`);
      }
    });
    const all = Promise.all(writers).finally(() => (isDone = true));
    let cuts = 0;
    const cutting = (async () => {
      while (!isDone && cuts < 8) {
        await turns(20 + random.int(150));
        way.cut();
        cuts += 1;
        await untilConnected(events, cuts, () => isDone);
      }
    })();
    await Promise.all([all, cutting]);
    await device.flush();
    const into = new Uint8Array(64 * 4096);
    await slow.read(0, into);
    expect(into.every((byte) => byte === 12)).toBe(true);
    expect(cuts).toBeGreaterThan(2);
    await device.close();
    await way.server.close("now");
  },
);

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function untilConnected(events: readonly NbdClientEvent[], times: number, isDone: () => boolean): Promise<void> {
  const isAgain = (event: NbdClientEvent) => event.type === "reconnect" && event.waitMs === undefined;
  while (!isDone() && events.filter(isAgain).length < times) await new Promise((resolve) => setTimeout(resolve, 1));
}
