import { chmodSync, readFileSync, writeFileSync } from "node:fs";

import { describe, expect, it, onTestFinished } from "vitest";

import { end, startOwner, statusAt } from "./live-hosts.test-kit.ts";
import { startCheckedGuest } from "./live/checked-writes.test-kit.ts";
import { makeDisk, makeGarbage, MIB } from "./make-disks.test-kit.ts";
import { BIN, refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { startServing } from "./serving.test-kit.ts";

const SIZE = 8 * MIB;

/** In place of ssh: passes over its options up to `--` and the host, and has a shell run the line, as sshd does. */
const STAND_IN = `#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift 2
exec sh -c "$1"
`;

function script(path: string, text: string): string {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

async function startGuest() {
  const path = temporaryFolder();
  const [source, target] = [makeDisk(path("source"), SIZE), makeGarbage(path("target"), SIZE)];
  const served = await startServing({ disks: { a: source } });
  const guest = startCheckedGuest(await served.dial("a"));
  await guest.more(20);
  return { path, source, target, served, guest, nbd: `nbd+unix:///?socket=${path("nbd")}` };
}

describe("a live disk is moved, and forwarded,", () => {
  it.each(["ws://127.0.0.1:0/x", "unix://SOCKET"])("over %s", async (at) => {
    const { path, target, served, guest } = await startGuest();
    const owner = await startOwner({ disks: { a: target }, at: at.replace("SOCKET", path("wire")) });
    expect(await runBlkmig(["send", owner.to, "--from", served.control])).toMatchObject({ code: 0 });
    expect(await statusAt(served.control)).toMatchObject({ disks: [{ state: "forwarding" }] });
    await guest.more(30);
    await guest.stop();
    expect([await end(served.running), await end(owner.running)]).toEqual([0, 0]);
    expect(guest.missingIn(target)).toEqual([]);
  });

  it("to a receiver that dials and serves", async () => {
    const { target, served, guest, nbd } = await startGuest();
    const sending = startBlkmig(["send", "tcp://127.0.0.1:0", "--json", "--from", served.control, "--listen"]);
    const words = ["--connect", "--disk", `a=${target}`, "--nbd", nbd];
    const receiver = startBlkmig(["receive", await sending.url(), "--json", ...words]);
    expect(await sending.ended).toMatchObject({ code: 0 });
    await guest.more(30);
    await guest.stop();
    expect([await end(served.running), await end(receiver)]).toEqual([0, 0]);
    expect(guest.missingIn(target)).toEqual([]);
  });

  it("over ssh, by a receiver that goes on serving there when ssh's job is done", async () => {
    const { path, target, served, guest, nbd } = await startGuest();
    const ssh = script(path("ssh"), STAND_IN);
    const remote = script(path("blkmig"), `#!/bin/sh\necho $$ > "$0.pid"\nexec "${process.execPath}" "${BIN}" "$@"\n`);
    const there = [
      "--remote-disk",
      `a=${target}`,
      "--remote-command",
      remote,
      "--remote-flag=--nbd",
      "--remote-flag",
      nbd,
    ];
    const words = ["send", "ssh://there", "--json", "--from", served.control, "--ssh-command", ssh, ...there];
    const sent = await runBlkmig(words);
    const pid = Number(readFileSync(`${remote}.pid`, "utf8"));
    onTestFinished(() => void process.kill(pid));
    // On a busy machine its guest may be as fast as the wire for a while.
    expect([sent.code, sent.stderr.replace(/^warning: passes do not pay: .*\n/, "")]).toEqual([0, ""]);
    await guest.more(30);
    await guest.stop();
    expect(await end(served.running)).toBe(0);
    expect(guest.missingIn(target)).toEqual([]);
  });

  it("not over ssh where not every disk has its place there", async () => {
    const { served } = await startGuest();
    const words = ["send", "ssh://there", "--from", served.control];
    expect(refusal(await runBlkmig(words))).toEqual(refused(2, /ssh: needs --remote-disk a=TARGET/));
    const wrong = [...words, "--remote-disk", "b=/x"];
    expect(refusal(await runBlkmig(wrong))).toEqual(refused(2, /--remote-disk: no --disk is called 'b'/));
  });
});
