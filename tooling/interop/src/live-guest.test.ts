import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { lossesOf } from "./guest-loss.ts";
import { type Stalls, stallsSince } from "./guest-stalls.ts";
import { troubles } from "./live-guest.ts";
import { makeGarbageDisk } from "./make-disk.ts";
import { liveGuest } from "./needs.ts";
import { startRelay } from "./relay.ts";
import { runBlkmig, startBlkmig } from "./run-blkmig.ts";
import { diskFlags, type Images, startServedGuest, unixUrl } from "./served-guest.ts";
import { temporaryFolder } from "./temporary-folder.ts";

declare module "vitest" {
  interface TaskMeta {
    /** Of a guest whose disks were moved: what is reported and never asserted. Milliseconds. */
    stalls?: Stalls & { readonly downtime?: unknown };
  }
}

const MIB = 1048576;
/** Seconds. */
const FOR_EVER = 3600;
const AT = "tcp://127.0.0.1:0";

const hashesOf = (images: Images): readonly string[] =>
  [images.records, images.files].map((image) => createHash("sha256").update(readFileSync(image)).digest("hex"));

/** New ones, full of garbage. */
const garbageTargets = (path: (name: string) => string, name: string): Images => ({
  records: makeGarbageDisk(path(`${name}-vda`), 32 * MIB),
  files: makeGarbageDisk(path(`${name}-vdb`), 48 * MIB),
});

describe.skipIf(liveGuest.missing)(`a Linux guest whose disks are moved while it writes (${liveGuest.needs})`, () => {
  it("goes on at the new owner, by way of the old server, and notices nothing but a stall", async ({ task }) => {
    const path = temporaryFolder();
    const { guest, images, server, control } = await startServedGuest(path);
    const received: Images = { records: path("dst-vda"), files: path("dst-vdb") };
    const to = startBlkmig(["receive", AT, "--json", "--create", ...diskFlags(received), "--nbd", "nbd://127.0.0.1:0"]);
    const url = `tcp://127.0.0.1:${await to.port()}`;
    const begin = guest.serial.entries.length;
    // Slow enough for the guest to write all over its disks meanwhile; and a verify would mend what the tracking has missed.
    const slow = ["--max-bandwidth", "24M", "--no-verify"];
    const sender = startBlkmig(["send", url, "--from", control, "--json", "--after", "forward", ...slow]);
    expect(await sender.exited).toMatchObject({ code: 0 });
    const left = hashesOf(images);
    const { downtime } = await sender.events.until(({ event }) => event === "completed");
    await guest.goesOn(30);
    await guest.stop();

    task.meta.stalls = { downtime, ...stallsSince(guest.serial, begin) };
    expect(downtime).toEqual(expect.any(Number));
    expect(troubles(guest.serial)).toEqual([]);
    expect(await lossesOf(guest.serial, { ...received, origin: images.files })).toEqual([]);
    expect(hashesOf(images)).toEqual(left);
    for (const each of [server, to]) {
      each.process.kill("SIGTERM");
      expect(await each.exited).toMatchObject({ code: 0 });
    }
  });

  it("goes on where it was when the receiver is killed, the wire is cut, or somebody cancels", async ({ task }) => {
    const path = temporaryFolder();
    const { guest, images, control } = await startServedGuest(path);
    for (const [how, code] of [
      ["killed", 1],
      ["cut", 1],
      ["cancelled", 130],
    ] as const) {
      const to = startBlkmig(["receive", AT, "--json", ...diskFlags(garbageTargets(path, how))]);
      const relay = await startRelay({ port: await to.port(), host: "127.0.0.1" });
      const slow = ["--max-bandwidth", "8M", "--after", "close", "--reconnect-for", "1s"];
      const url = `tcp://127.0.0.1:${relay.port}`;
      const sender = startBlkmig(["send", url, "--from", control, "--json", ...slow]);
      await sender.events.until(({ transferred }) => Number(transferred) > 4 * MIB);
      if (how === "killed") to.process.kill("SIGKILL");
      else if (how === "cut") relay.close();
      else sender.process.kill("SIGINT");
      expect({ how, ...(await sender.exited) }).toMatchObject({ how, code });
      await guest.goesOn();
      to.process.kill("SIGKILL");
      await to.exited;
    }
    await guest.stop();
    task.meta.stalls = stallsSince(guest.serial);
    expect(troubles(guest.serial)).toEqual([]);
    expect(await lossesOf(guest.serial, images)).toEqual([]);
  });

  it("waits while the way to the new owner is cut, while that is dead, and moves on with it", async ({ task }) => {
    const path = temporaryFolder();
    const { guest, images, control } = await startServedGuest(path);
    const [received, socket] = [garbageTargets(path, "dst"), path("dst.nbd")];
    const nbd = ["--nbd", unixUrl(socket)];
    const to = startBlkmig(["receive", AT, "--json", ...diskFlags(received), ...nbd]);
    const relay = await startRelay({ path: socket });
    const forward = ["--after", "forward", "--forward-to", `nbd://127.0.0.1:${relay.port}`];
    const sender = runBlkmig(["send", `tcp://127.0.0.1:${await to.port()}`, "--from", control, "--json", ...forward]);
    expect(await sender).toMatchObject({ code: 0 });
    const [left, begin] = [hashesOf(images), guest.serial.entries.length];
    for (let cuts = 0; cuts < 5; cuts++) {
      const { connections } = relay;
      relay.cut();
      await guest.goesOn();
      expect(relay.connections).toBeGreaterThan(connections);
    }

    to.process.kill("SIGKILL");
    await to.exited;
    const next = path("next.control");
    const again = startBlkmig(["serve", "--json", ...diskFlags(received), ...nbd, "--control", next]);
    await again.events.until(({ event }) => event === "serving");
    await guest.goesOn();

    const last = garbageTargets(path, "last");
    const third = startBlkmig(["receive", AT, "--json", ...diskFlags(last), "--nbd", unixUrl(path("last.nbd"))]);
    const onward = await runBlkmig(["send", `tcp://127.0.0.1:${await third.port()}`, "--from", next, "--json"]);
    expect(onward).toMatchObject({ code: 0 });
    const leftThere = hashesOf(received);
    await guest.goesOn();
    await guest.stop();
    task.meta.stalls = stallsSince(guest.serial, begin);
    expect(troubles(guest.serial)).toEqual([]);
    expect(await lossesOf(guest.serial, { ...last, origin: images.files })).toEqual([]);
    expect([hashesOf(images), hashesOf(received)]).toEqual([left, leftThere]);
  });

  it("waits while its server is dead, and is answered by it at the source, or at the new owner, as before", async ({
    task,
  }) => {
    const path = temporaryFolder();
    const { guest, images, control, server, serve } = await startServedGuest(path, FOR_EVER);
    const receive = async (name: string) => {
      const received = garbageTargets(path, name);
      const nbd = unixUrl(path(`${name}.nbd`));
      const to = startBlkmig(["receive", AT, "--json", ...diskFlags(received), "--nbd", nbd]);
      return { received, send: ["send", `tcp://127.0.0.1:${await to.port()}`, "--from", control, "--json"] };
    };
    const never = startBlkmig([...(await receive("never")).send, "--max-bandwidth", "8M"]);
    await never.events.until(({ transferred }) => Number(transferred) > 4 * MIB);
    server.process.kill("SIGKILL");
    expect(await never.exited).toMatchObject({ code: 1 });
    const again = startBlkmig(serve);
    await guest.goesOn();

    const { received, send } = await receive("dst");
    expect(await runBlkmig(send)).toMatchObject({ code: 0 });
    const left = hashesOf(images);
    again.process.kill("SIGKILL");
    await again.exited;
    startBlkmig(serve);
    await guest.goesOn();
    await guest.stop();
    task.meta.stalls = stallsSince(guest.serial);
    expect(troubles(guest.serial)).toEqual([]);
    expect(await lossesOf(guest.serial, { ...received, origin: images.files })).toEqual([]);
    expect(hashesOf(images)).toEqual(left);
  });
});
