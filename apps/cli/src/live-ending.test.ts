import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";

import { openNbd, parseNbdUrl } from "@blkmig/nbd";
import { describe, expect, it, onTestFinished } from "vitest";

import { end, type NewOwner, startOwner } from "./live-hosts.test-kit.ts";
import { startCheckedGuest } from "./live/checked-writes.test-kit.ts";
import { makeDisk, makeGarbage, MIB } from "./make-disks.test-kit.ts";
import { hasQemuNbd } from "./nbd-servers.test-kit.ts";
import { refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { type Served, startServing } from "./serving.test-kit.ts";

const SIZE = 8 * MIB;
const SLOWLY = ["--max-bandwidth", "64K"];

interface Pair {
  readonly source: string;
  readonly target: string;
  readonly nbd: string;
  readonly served: Served;
  readonly owner: NewOwner;
}

async function startPair(): Promise<Pair> {
  const path = temporaryFolder();
  const [source, target] = [makeDisk(path("source"), SIZE), makeGarbage(path("target"), SIZE)];
  const nbd = `nbd+unix:///?socket=${path("nbd")}`;
  const served = await startServing({ disks: { a: source } });
  const owner = await startOwner({ disks: { a: target }, nbd });
  return { source, target, nbd, served, owner };
}

/** Forwarding from now on. */
async function startForwarding(): Promise<Pair> {
  const pair = await startPair();
  expect(await runBlkmig(["send", pair.owner.to, "--from", pair.served.control])).toMatchObject({ code: 0 });
  return pair;
}

/** Gone without a word. */
async function kill({ process, ended }: Served["running"]): Promise<void> {
  process.kill("SIGKILL");
  await ended;
}

describe("a server that passes its clients on, ended", () => {
  it("when the new owner has gone and everything was flushed, is fine", async () => {
    const { served, owner } = await startForwarding();
    const client = await served.dial("a");
    await client.write(0, [new Uint8Array(4096)]);
    await client.flush();
    await kill(owner.running);
    expect(await end(served.running)).toBe(0);
  });

  it("when the new owner has gone with what was never flushed, says so", async () => {
    const { served, owner } = await startForwarding();
    const client = await served.dial("a");
    await client.write(0, [new Uint8Array(4096)]);
    await kill(owner.running);
    served.running.process.kill("SIGTERM");
    const ended = await served.running.ended;
    expect(refusal(ended)).toEqual(refused(1, /was not flushed before may be lost$/));
    expect(ended.events.at(-1)).toMatchObject({ event: "failed" });
  });

  it("with requests that wait for the new owner, which has gone, keeps nobody waiting", async () => {
    const { served, owner } = await startForwarding();
    const guest = startCheckedGuest(await served.dial("a"));
    await guest.more(30);
    await kill(owner.running);
    await expect
      .poll(async () => served.status(), { timeout: 10_000 })
      .toMatchObject({ disks: [{ state: "forwarding" }] });
    served.running.process.kill("SIGTERM");
    served.running.process.kill("SIGTERM");
    const { code, stderr } = await served.running.ended;
    expect([code, stderr]).toEqual([1, expect.stringMatching(/may be lost/)]);
    await guest.stop();
    expect(guest.failure).toBeDefined();
  });

  it("while the new owner ends, too, in any order, loses nothing that was answered and flushed", async () => {
    const { served, owner, target } = await startForwarding();
    const guest = startCheckedGuest(await served.dial("a"));
    await guest.more(50);
    served.running.process.kill("SIGTERM");
    owner.running.process.kill("SIGTERM");
    const [old, next] = [await served.running.ended, await owner.running.ended];
    await guest.stop();
    expect([0, 1]).toContain(old.code);
    expect(next.code).toBe(0); // it has flushed everything itself
    expect(guest.missingIn(target)).toEqual([]);
  });

  it("is flushed by it at the new owner, whatever its clients have flushed", async () => {
    const { served, owner, nbd } = await startForwarding();
    const client = await served.dial("a");
    await client.write(0, [new Uint8Array(4096).fill(7)]);
    expect(await end(served.running)).toBe(0);
    const own = await openNbd(parseNbdUrl(nbd.replace("///", "///a")));
    const found = new Uint8Array(4096);
    await own.read(0, found);
    await own.close();
    expect(found.every((byte) => byte === 7)).toBe(true);
    expect(await end(owner.running)).toBe(0);
  });
});

describe.skipIf(!hasQemuNbd)("a QEMU that never flushes (skipped without the program qemu-io)", () => {
  /** Writes with its cache unsafe, and stays until it is told to go. */
  async function startUnsafe(url: string) {
    const child = spawn("qemu-io", ["-f", "raw", "-t", "unsafe", url], { stdio: "pipe" });
    onTestFinished(() => void child.kill("SIGKILL"));
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    child.stdin.write("write -P 7 0 1M\n");
    while (!said.includes("wrote")) await once(child.stdout, "data");
    return child;
  }

  it("has what it wrote flushed at the new owner when the old server ends", async () => {
    const { served, owner, target } = await startForwarding();
    const child = await startUnsafe(served.url("a"));
    expect(await end(served.running)).toBe(0);
    child.kill("SIGKILL");
    await kill(owner.running);
    expect(
      readFileSync(target)
        .subarray(0, MIB)
        .every((byte) => byte === 7),
    ).toBe(true);
  });

  it("is why the old server ends with a sentence when its new owner has gone", async () => {
    const { served, owner } = await startForwarding();
    await startUnsafe(served.url("a"));
    await kill(owner.running);
    served.running.process.kill("SIGTERM");
    expect(refusal(await served.running.ended)).toEqual(refused(1, /was not flushed before may be lost$/));
  });
});

describe("a receiver that would serve, ended before the commit", () => {
  it("hangs up on those who wait, in a while, and is cancelled", async () => {
    const { served, owner, nbd } = await startPair();
    const sending = startBlkmig(["send", owner.to, "--json", "--from", served.control, ...SLOWLY]);
    await sending.until(({ event, acknowledged }) => event === "status" && Number(acknowledged) > 0);
    const waiting = await openNbd(parseNbdUrl(nbd.replace("///", "///a")), { reconnectFor: 0 });
    const answers = Promise.allSettled([
      waiting.read(0, new Uint8Array(4096)),
      waiting.write(0, [new Uint8Array(4096)]),
      waiting.flush(),
    ]);
    owner.running.process.kill("SIGTERM");
    expect(await owner.running.ended).toMatchObject({ code: 130 });
    expect((await answers).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    await waiting.close().catch(() => {}); // it has been hung up on
    served.running.process.kill("SIGTERM");
    expect(await served.running.ended).toMatchObject({ code: 0 });
    expect(await sending.ended).toMatchObject({ code: expect.any(Number) });
  });
});

describe("a server in the middle of a move, ended", () => {
  it.each([["SIGTERM"], ["SIGINT"]] as const)("by %s cancels it, and its clients' disk is whole", async (signal) => {
    const { served, owner, source } = await startPair();
    const guest = startCheckedGuest(await served.dial("a"));
    await guest.more(30);
    const sending = startBlkmig(["send", owner.to, "--json", "--from", served.control, ...SLOWLY]);
    await sending.until(({ event, acknowledged }) => event === "status" && Number(acknowledged) > 0);
    served.running.process.kill(signal);
    served.running.process.kill(signal); // no more than once
    expect(await served.running.ended).toMatchObject({ code: 0 });
    expect(await sending.ended).toMatchObject({ code: 130 });
    expect(await owner.running.ended).toMatchObject({ code: 1 }); // its target is not complete
    await guest.stop();
    expect(guest.missingIn(source)).toEqual([]);
    const again = await startServing({ disks: { a: source } });
    expect(await again.status()).toMatchObject({ disks: [{ state: "local" }] });
  });

  it("goes on when a client of its control socket breaks off in the middle of a line", async () => {
    const { served } = await startPair();
    const socket = createConnection(served.control);
    socket.write('{"id":1,"do":"status"}\n{"id":2,"do":"st');
    await new Promise((resolve) => socket.once("data", resolve));
    socket.destroy();
    expect(await served.status()).toMatchObject({ disks: [{ state: "local" }] });
    expect(await end(served.running)).toBe(0);
  });
});
