import { execFileSync } from "node:child_process";

import { openNbd, parseNbdUrl } from "@blkmig/nbd";
import { createRandom } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import { end, startOwner, statusAt } from "./live-hosts.test-kit.ts";
import { startCheckedGuest } from "./live/checked-writes.test-kit.ts";
import { makeDisk, makeGarbage, MIB } from "./make-disks.test-kit.ts";
import { hasQemuNbd, qemuImg, startQemuNbd } from "./nbd-servers.test-kit.ts";
import { refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { startServing } from "./serving.test-kit.ts";

const SIZE = 8 * MIB;

/** A qcow2 image behind qemu-nbd. */
async function startImage(path: (name: string) => string, name: string) {
  const image = path(`${name}.qcow2`);
  qemuImg("create", "-q", "-f", "qcow2", image, String(SIZE));
  return { image, ...(await startQemuNbd(path(`${name}.nbd`), "-f", "qcow2", image)) };
}

/** What is in an image, in a file. */
function contentOf(image: string, to: string): string {
  qemuImg("convert", "-f", "qcow2", "-O", "raw", image, to);
  return to;
}

describe.skipIf(!hasQemuNbd)(
  "disks behind other NBD servers (skipped without the programs qemu-nbd and qemu-img)",
  () => {
    it("are served, moved to another one of the kind, and forwarded; a server that is started again forwards", async () => {
      const path = temporaryFolder();
      const [from, to] = [await startImage(path, "from"), await startImage(path, "to")];
      const states = { here: ["--state-dir", path("here")], there: ["--state-dir", path("there")] };
      const served = await startServing({ disks: { vda: from.url }, more: states.here });
      const client = await served.dial("vda");
      await client.write(0, [createRandom(3).bytes(SIZE / 2)]);
      const guest = startCheckedGuest(client);
      await guest.more(30);
      const owner = await startOwner({ disks: { vda: to.url }, more: states.there });
      const sent = await runBlkmig(["send", owner.to, "--json", "--from", served.control]);
      expect([sent.code, sent.events.at(-1)]).toMatchObject([0, { event: "completed" }]);
      await guest.more(30);
      await guest.stop();
      expect(await end(served.running)).toBe(0);
      const again = await startServing({ disks: { vda: from.url }, more: states.here });
      expect(await statusAt(again.control)).toMatchObject({ disks: [{ state: "forwarding" }] });
      const more = startCheckedGuest(await again.dial("vda"), { seed: 23 });
      await more.more(30);
      await more.stop();
      expect([await end(again.running), await end(owner.running)]).toEqual([0, 0]);
      await to.kill();
      expect(more.missingIn(contentOf(to.image, path("raw")))).toEqual([]);
    });

    it("whose new owner is another run of its server may have lost what was not flushed: its clients are told", async () => {
      const path = temporaryFolder();
      const to = await startImage(path, "to");
      const there = ["--state-dir", path("there"), "--disk", `vda=${to.url}`];
      const nbd = `nbd+unix:///?socket=${path("nbd")}`;
      const served = await startServing({ disks: { vda: makeDisk(path("source"), SIZE) } });
      const client = await served.dial("vda");
      const owner = await startOwner({ disks: { vda: to.url }, nbd, more: there.slice(0, 2) });
      expect(await runBlkmig(["send", owner.to, "--from", served.control])).toMatchObject({ code: 0 });
      await client.write(0, [new Uint8Array(4096)]);
      await client.flush();
      const serveThere = async () => {
        const running = startBlkmig(["serve", "--json", ...there, "--nbd", nbd]);
        await running.until(({ event }) => event === "serving");
        return running;
      };
      owner.running.process.kill("SIGKILL");
      await owner.running.ended;
      const second = await serveThere();
      await client.write(0, [new Uint8Array(4096)]); // all had been flushed: nothing can be lost
      expect(await statusAt(served.control)).toMatchObject({ disks: [{ state: "forwarding" }] });
      second.process.kill("SIGKILL");
      await second.ended;
      const third = await serveThere();
      await expect(client.read(0, new Uint8Array(512))).rejects.toThrow("vda");
      expect(await statusAt(served.control)).toMatchObject({ disks: [{ state: "failed" }] });
      await expect(openNbd(parseNbdUrl(served.url("vda")), { reconnectFor: 0 })).rejects.toThrow("no export");
      expect(await end(third)).toBe(0);
      served.running.process.kill("SIGTERM");
      expect(refusal(await served.running.ended)).toEqual(refused(1, /may be lost$/));
    });

    it("may be a source alone, with a file for a target", async () => {
      const path = temporaryFolder();
      const from = await startImage(path, "from");
      const target = makeGarbage(path("target"), SIZE);
      const served = await startServing({ disks: { vda: from.url }, more: ["--state-dir", path("state")] });
      const guest = startCheckedGuest(await served.dial("vda"));
      await guest.more(30);
      const owner = await startOwner({ disks: { vda: target } });
      expect(await runBlkmig(["send", owner.to, "--from", served.control])).toMatchObject({ code: 0 });
      await guest.more(30);
      await guest.stop();
      expect([await end(served.running), await end(owner.running)]).toEqual([0, 0]);
      expect(guest.missingIn(target)).toEqual([]);
    });

    it("that go away under a server fail their clients' requests, and are refused where they do not answer", async () => {
      const path = temporaryFolder();
      const from = await startImage(path, "from");
      await from.kill();
      const words = ["serve", "--disk", `vda=${from.url}`, "--nbd", "nbd://127.0.0.1:0", "--state-dir", path("state")];
      expect(refusal(await runBlkmig(words))).toEqual(refused(3, /cannot connect/));
      expect(execFileSync("ls", [path(".")], { encoding: "utf8" })).not.toContain("state");
    });
  },
);
