import { truncateSync, writeFileSync } from "node:fs";

import { afterAll, afterEach, describe, expect, it } from "vitest";

import { hasNbdkit, Programs } from "./client-programs.test-kit.ts";
import type { NbdClientEvent } from "./nbd-contract.ts";
import { openNbd } from "./open-nbd.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

describe.skipIf(!hasNbdkit)("a server that is killed and comes back (skipped without the program nbdkit)", () => {
  const programs = new Programs();
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });
  afterAll(async () => programs.end());

  function file(): string {
    const path = programs.freshPath("raw");
    writeFileSync(path, "");
    truncateSync(path, 64 * MiB);
    return path;
  }

  it("answers the reads that were under way, all of them and rightly", async () => {
    const args = ["--filter=delay", "pattern", "size=64M", "rdelay=5ms"];
    const server = await programs.nbdkit(args);
    const events: NbdClientEvent[] = [];
    const device = await openNbd(server.url, { onEvent: (event) => events.push(event) });
    const buffers = Array.from({ length: 64 }, () => new Uint8Array(MiB).fill(0xa5));
    const reads = buffers.map(async (into, i) => device.read(i * MiB, into));
    await reads[0];
    await server.kill();
    const again = await programs.nbdkit(args, server.socket);
    ends.push(again.kill, device.close);
    await Promise.all(reads);
    for (const [i, into] of buffers.entries()) {
      const view = new DataView(into.buffer);
      for (let at = 0; at < MiB; at += 8) {
        if (Number(view.getBigUint64(at)) !== i * MiB + at) throw new Error(`wrong at ${i * MiB + at}`);
      }
    }
    expect(events.map(({ type }) => type)).toContain("reconnect");
    await device.flush();
  });

  it("is never believed to have flushed what it had only acknowledged", async () => {
    const path = file();
    const server = await programs.nbdkit(["file", path]);
    const device = await openNbd(server.url);
    await device.write(0, [new Uint8Array(4096).fill(1)]);
    await device.flush();
    await device.write(4096, [new Uint8Array(4096).fill(2)]);
    await server.kill();
    ends.push((await programs.nbdkit(["file", path], server.socket)).kill, device.close);
    await device.read(0, new Uint8Array(4096));
    await expect(device.flush()).rejects.toMatchObject({ code: "io" });
    await expect(device.flush()).rejects.toMatchObject({ code: "io" });
  });

  it("does not get writes twice: those under way fail, and later ones land", async () => {
    const path = file();
    const server = await programs.nbdkit(["--filter=delay", "file", path, "wdelay=60"]);
    const device = await openNbd(server.url);
    const writes = Array.from({ length: 10 }, async (_, i) => device.write(i * 4096, [new Uint8Array(4096).fill(1)]));
    const outcomes = Promise.allSettled(writes);
    await device.read(0, new Uint8Array(512)); // so they are there
    await server.kill();
    ends.push((await programs.nbdkit(["file", path], server.socket)).kill, device.close);
    expect((await outcomes).map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => "rejected"));
    await device.write(0, [new Uint8Array(4096).fill(3)]);
    await device.flush(); // nothing had been acknowledged
    const into = new Uint8Array(8192);
    await device.read(0, into);
    expect([into[0], into[4096]]).toEqual([3, 0]);
  });

  it("is not taken for the same disk when it has another size", async () => {
    const server = await programs.nbdkit(["memory", "size=1M"]);
    const device = await openNbd(server.url);
    await server.kill();
    ends.push((await programs.nbdkit(["memory", "size=2M"], server.socket)).kill, device.close);
    await expect(device.read(0, new Uint8Array(512))).rejects.toMatchObject({ cause: { code: "changed" } });
  });

  it("is given up when it stays away", async () => {
    const server = await programs.nbdkit(["memory", "size=1M"]);
    const device = await openNbd(server.url, { reconnectFor: 300 });
    ends.push(device.close);
    await server.kill();
    await expect(device.read(0, new Uint8Array(512))).rejects.toMatchObject({ code: "io", cause: { code: "connect" } });
  });
});
