import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { notInSchema } from "./event-schema.test-kit.ts";
import { haltAt, type Place } from "./halt.test-kit.ts";
import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { hasQemu, startMachine } from "./qmp-machine.test-kit.ts";
import { startRelay } from "./relay.test-kit.ts";
import { runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const SIZE = 12 * MIB;
/** No pause of a busy machine that runs tests is too long. */
const PATIENT = ["--downtime-limit", "20s"];
const NOTHING = { exports: [], bitmaps: [] };

/** A machine here and one that waits there, with its disk on the target; and a wire that may stand still. */
async function setStage(place?: Place) {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), SIZE, 7);
  const target = makeGarbage(path("target"), SIZE);
  const incoming = ["-S", "-incoming", `unix:${path("ram")}`];
  const here = await startMachine({ path, name: "here", disks: [{ id: "d0", path: source, format: "raw" }] });
  const there = await startMachine({
    path,
    name: "there",
    disks: [{ id: "d0", path: target, format: "raw" }],
    more: incoming,
  });
  const env = { BLKMIG_STATE_DIR: path("state") };
  const halt = place && haltAt(place);
  const relay = await startRelay("tcp://127.0.0.1:0", halt?.watch);
  const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", "--disk", `dev-d0=${target}`], { env });
  relay.leadTo(await receiver.url());
  const send = (...more: readonly string[]) => {
    const to = ["--migrate-to", `unix:${path("ram")}`, "--to-qmp", there.url];
    return startBlkmig(["send", relay.url, "--json", ...PATIENT, "--qmp", here.url, ...to, ...more], { env });
  };
  return { path, source, target, here, there, env, halt, relay, receiver, send };
}

const stateOf = (disk: string): unknown =>
  (JSON.parse(readFileSync(`${disk}.blkmig`, "utf8")) as { state: unknown }).state;

describe.skipIf(!hasQemu)("send --qmp --migrate-to (needs qemu-system-x86_64)", { timeout: 60_000 }, () => {
  it("the machine runs there with its disks, and stays stopped here", async () => {
    const { here, there, source, target, send, receiver } = await setStage();
    await here.write("d0", 0x42, MIB, 65536);
    const sent = await send().ended;
    expect(sent).toMatchObject({ code: 0, stderr: "" });
    expect(sent.events.at(-1)).toMatchObject({
      event: "completed",
      proved: true,
      guest: "moved",
      downtime: expect.any(Number),
      ram: { transferred: expect.any(Number), remaining: expect.any(Number), total: expect.any(Number) },
    });
    const received = await receiver.ended;
    expect(received.code).toBe(0);
    expect([sent, received].flatMap(notInSchema)).toEqual([]);
    expect(sameFiles(source, target)).toBe(true);
    expect(await there.status()).toBe("running");
    expect(await here.status()).toBe("postmigrate");
    expect(await here.leftovers()).toMatchObject([{ marks: ["moved"], exports: [], server: false }]);
    expect(stateOf(source)).toBe("moved");
  });

  it.each([
    ["before its memory goes", { way: "there", byte: 4 * MIB }],
    ["with its disks not sealed yet", { way: "there", say: "seal", edge: "before" }],
  ] as const)("cancelled %s it runs here, and nothing is left", async (_when, place) => {
    const { here, source, send, halt } = await setStage(place);
    const sender = send();
    await halt!.reached;
    sender.process.kill("SIGINT");
    halt!.release();
    expect((await sender.ended).code).toBe(130);
    expect(await here.status()).toBe("running");
    expect(await here.all()).toEqual(NOTHING);
    expect(stateOf(source)).toBe("sending");
  });

  it("killed at the switchover it runs here again, and there nothing runs", async () => {
    const { here, there, source, send, halt, relay } = await setStage({ way: "there", say: "seal", edge: "before" });
    const sender = send();
    await halt!.reached;
    sender.process.kill("SIGKILL");
    expect((await sender.ended).stderr).toMatch(/left was removed, and the guest runs/);
    expect(await here.status()).toBe("running");
    expect(await here.all()).toEqual(NOTHING);
    expect(await there.status().catch(() => "gone")).not.toBe("running");
    expect(stateOf(source)).toBe("sending");
    relay.cut();
  });

  it("killed when commit was asked for it runs nowhere, and --resume lets it run where it belongs", async () => {
    const { here, there, source, target, send, halt, relay, receiver } = await setStage({
      way: "back",
      say: "committed",
      edge: "before",
    });
    const sender = send();
    await halt!.reached;
    sender.process.kill("SIGKILL");
    expect((await sender.ended).stderr).toMatch(/its outcome is not known here: the guest stays stopped/);
    expect([await here.status(), await there.status()]).toEqual(["postmigrate", "paused"]);
    relay.cut();
    halt!.release();
    const resumed = await send("--resume").ended;
    expect(resumed.stderr).toMatch(/^warning: .* is taken up as an earlier run left it/);
    expect(resumed.events.at(-1)).toMatchObject({ event: "completed", guest: "moved" });
    expect((await receiver.ended).code).toBe(0);
    expect([await here.status(), await there.status()]).toEqual(["postmigrate", "running"]);
    expect(sameFiles(source, target)).toBe(true);
    expect(stateOf(source)).toBe("moved");
  });

  it("in doubt, and there was no commit: --resume lets it run here, and there it is ended", async () => {
    const { here, there, source, target, env, send, halt, relay, receiver } = await setStage({
      way: "there",
      say: "commit",
      edge: "before",
    });
    const sender = send();
    await halt!.reached;
    for (const each of [sender, receiver]) each.process.kill("SIGKILL");
    await Promise.all([sender.ended, receiver.ended]);
    relay.cut();
    halt!.release();
    expect([await here.status(), await there.status()]).toEqual(["postmigrate", "paused"]);
    // The QEMU there has the target, and its lock.
    const words = ["--json", "--resume", "--force", "in-use", "--disk", `dev-d0=${target}`];
    const again = startBlkmig(["receive", "tcp://127.0.0.1:0", ...words], { env });
    relay.leadTo(await again.url());
    const resumed = await send("--resume").ended;
    expect(resumed.code).not.toBe(0);
    expect(resumed.stderr).toMatch(/had taken over a machine that goes on at its source, and was told to quit/);
    expect(await here.status()).toBe("running");
    expect(await there.status().catch(() => "gone")).toBe("gone");
    expect(await here.all()).toEqual(NOTHING);
    expect(stateOf(source)).toBe("kept");
  });

  it("in doubt it runs nowhere; kept by hand it runs here", async () => {
    const { here, there, env, send, halt, relay, receiver } = await setStage({
      way: "back",
      say: "committed",
      edge: "before",
    });
    const sender = send("--reconnect-for", "0ms");
    await halt!.reached;
    receiver.process.kill("SIGKILL");
    await receiver.ended;
    relay.cut();
    halt!.release();
    const sent = await sender.ended;
    expect(sent.code).toBe(4);
    expect([await here.status(), await there.status()]).toEqual(["postmigrate", "paused"]);
    const { migration } = sent.events.at(-1) as unknown as { readonly migration: string };
    const kept = await runBlkmig(["resolve", "--qmp", here.url, "--keep", migration], { env });
    expect(kept.code).toBe(0);
    expect([await here.status(), await there.status()]).toEqual(["running", "paused"]);
    expect(await here.all()).toEqual(NOTHING);
  });

  it("a monitor there that is gone after the commit: it runs nowhere, and what to do is said", async () => {
    const { path, here, there, source, env, halt, relay } = await setStage({
      way: "back",
      say: "committed",
      edge: "before",
    });
    const monitor = await startRelay(`unix://${path("there.cut")}`);
    monitor.leadTo(there.url);
    const to = ["--migrate-to", `unix:${path("ram")}`, "--to-qmp", monitor.url];
    const sender = startBlkmig(["send", relay.url, "--json", ...PATIENT, "--qmp", here.url, ...to], { env });
    await halt!.reached;
    monitor.cut();
    halt!.release();
    const sent = await sender.ended;
    expect(sent.code).toBe(6);
    expect(sent.events.at(-1)).toMatchObject({
      code: "guest-lost",
      message: expect.stringMatching(/say `cont` at unix:.*there.cut/),
    });
    expect([await here.status(), await there.status()]).toEqual(["postmigrate", "paused"]);
    expect(await here.leftovers()).toMatchObject([{ marks: ["moved"] }]);
    expect(stateOf(source)).toBe("moved");
  });

  it("killed when the commit was recorded, the watchdog lets it run there", async () => {
    const { here, there, source, send, halt } = await setStage({ way: "there", say: "done", edge: "before" });
    const sender = send();
    await halt!.reached;
    // Whether it runs there already is a race between two processes; that it does in the end is not.
    sender.process.kill("SIGKILL");
    await sender.ended;
    await there.untilStatus("running");
    expect(await here.status()).toBe("postmigrate");
    expect(stateOf(source)).toBe("moved");
  });
});
