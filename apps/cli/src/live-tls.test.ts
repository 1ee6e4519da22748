import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { openNbd, parseNbdUrl } from "@blkmig/nbd";
import { describe, expect, it } from "vitest";

import { end, hasCerttool, startOwner, statusAt, writeCertificates, writeKeys } from "./live-hosts.test-kit.ts";
import { startCheckedGuest } from "./live/checked-writes.test-kit.ts";
import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { hasQemuNbd } from "./nbd-servers.test-kit.ts";
import { refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { hasLibnbd, startServing } from "./serving.test-kit.ts";

const SIZE = 4 * MIB;

async function startSecure(keys: string): Promise<{ readonly url: string; readonly disk: string }> {
  const disk = makeDisk(temporaryFolder()("disk"), SIZE);
  const running = startBlkmig(["serve", "--json", "--disk", `a=${disk}`, "--nbd", `nbds://127.0.0.1:0?${keys}`]);
  const { nbd } = await running.until(({ event }) => event === "serving");
  return { url: String((nbd as readonly string[])[0]), disk };
}

describe.skipIf(!hasLibnbd || !hasQemuNbd)("nbds: (skipped without the programs nbdinfo, nbdcopy and qemu-img)", () => {
  it("with a pre-shared key serves whoever has it, and nobody in clear text", async () => {
    const path = temporaryFolder();
    const keys = writeKeys(path("keys.psk"), ["alice", "bob"]);
    const { url, disk } = await startSecure(`tls-psk-file=${keys}`);
    const { host } = new URL(url);
    const bobs = `nbds://bob@${host}/a?tls-psk-file=${keys}`;
    expect(execFileSync("nbdinfo", ["--size", bobs], { encoding: "utf8" }).trim()).toBe(String(SIZE));
    execFileSync("nbdcopy", [bobs, path("copy")]);
    expect(sameFiles(disk, path("copy"))).toBe(true);
    const credentials = `tls-creds-psk,id=k,endpoint=client,username=alice,dir=${path(".")}`;
    const [hostname, port] = host.split(":");
    const image = `driver=nbd,host=${hostname},port=${port},export=a,tls-creds=k`;
    const said = execFileSync("qemu-img", ["convert", "--object", credentials, "--image-opts", image, path("q")], {
      encoding: "utf8",
    });
    expect([said, sameFiles(disk, path("q"))]).toEqual(["", true]);
    const others = writeKeys(path("others.psk"), ["bob"]);
    for (const wrong of [`nbds://bob@${host}/a?tls-psk-file=${others}`, `nbd://${host}/a`]) {
      expect(() => execFileSync("nbdinfo", [wrong], { stdio: "pipe" })).toThrow("nbdinfo");
    }
  });

  it.skipIf(!hasCerttool)("with certificates, too", async () => {
    const path = temporaryFolder();
    const folder = writeCertificates(path("pki"));
    const { url, disk } = await startSecure(`tls-certificates=${folder}`);
    execFileSync("nbdcopy", [`${url}/a?tls-certificates=${folder}`, path("copy")]);
    expect(sameFiles(disk, path("copy"))).toBe(true);
  });
});

describe("keys that cannot be used", () => {
  const path = (name: string): string => `/nowhere/${name}`;
  it.each([
    ["none are named", "nbds://127.0.0.1:0", 2, /--nbd: .* names no keys: add tls-psk-file=FILE/],
    ["not there", `nbds://127.0.0.1:0?tls-psk-file=${path("k")}`, 3, /the key file \/nowhere\/k cannot be read/],
    ["not there", `nbds://127.0.0.1:0?tls-certificates=${path("d")}`, 3, /ca-cert\.pem cannot be read/],
  ])("%s: serve and receive say so before anybody comes", async (_, nbd, code, sentence) => {
    const disk = makeDisk(temporaryFolder()("disk"), MIB);
    const words = ["--disk", `a=${disk}`, "--nbd", nbd];
    expect(refusal(await runBlkmig(["serve", ...words]))).toEqual(refused(code, sentence));
    expect(refusal(await runBlkmig(["receive", "tcp://127.0.0.1:0", ...words]))).toEqual(refused(code, sentence));
  });
});

describe("a disk whose new owner serves it with TLS", () => {
  it("is forwarded with --forward-to and its key file, not without; a server that is started again has them on record", async () => {
    const path = temporaryFolder();
    const keys = writeKeys(path("new keys.psk"), ["alice", "bob"]);
    const named = `tls-psk-file=${encodeURIComponent(keys)}`;
    const [source, target] = [makeDisk(path("source"), SIZE), makeGarbage(path("target"), SIZE)];
    const served = await startServing({ disks: { a: source } });
    const guest = startCheckedGuest(await served.dial("a"));
    const owner = await startOwner({ disks: { a: target }, nbd: `nbds://127.0.0.1:0?${named}` });
    const send = (...more: readonly string[]) =>
      runBlkmig(["send", owner.to, "--json", "--from", served.control, ...more]);
    await guest.more(20);
    const sentence =
      /nbds:\/\/127\.0\.0\.1:(\d+) is served with TLS, and no keys for it are named: say --forward-to nbds:/;
    const without = await send();
    expect(refusal(without)).toEqual(refused(3, sentence));
    // The refusal has ended that receiver, too, which was told of it.
    const port = sentence.exec(without.stderr)![1]!;
    const next = await startOwner({ disks: { a: target }, nbd: `nbds://127.0.0.1:${port}?${named}` });
    const forward = `nbds://bob@127.0.0.1:${port}?${named}`;
    const words = ["send", next.to, "--json", "--from", served.control, "--forward-to", forward];
    expect(await runBlkmig(words)).toMatchObject({ code: 0 });
    const record = readFileSync(`${source}.blkmig`, "utf8");
    const secret = readFileSync(keys, "utf8").split("\n")[1]!.slice("bob:".length);
    expect([record.includes(encodeURIComponent(keys)), record.includes(secret)]).toEqual([true, false]);
    await guest.more(50);
    await guest.stop();
    expect(await end(served.running)).toBe(0);
    const again = await startServing({ disks: { a: source } });
    expect(await statusAt(again.control)).toMatchObject({ disks: [{ state: "forwarding" }] });
    expect(JSON.stringify(await statusAt(again.control))).not.toContain(".psk");
    const more = startCheckedGuest(await again.dial("a"), { seed: 11 });
    await more.more(50);
    await more.stop();
    const own = await openNbd(parseNbdUrl(`nbds://alice@127.0.0.1:${port}/a?${named}`));
    await own.close();
    expect([await end(again.running), await end(next.running)]).toEqual([0, 0]);
    expect(more.missingIn(target)).toEqual([]);
  });

  it("is not sent where its key file would not do", async () => {
    const path = temporaryFolder();
    const [keys, others] = [writeKeys(path("keys.psk"), ["a"]), writeKeys(path("others.psk"), ["a"])];
    const [source, target] = [makeDisk(path("source"), SIZE), makeGarbage(path("target"), SIZE)];
    const served = await startServing({ disks: { a: source } });
    const socket = path("nbd");
    const tries = [
      [`&tls-psk-file=${others}`, /clients cannot be passed on: .*did not take the key/],
      [`&tls-psk-file=${path("nix")}`, /the key file .*nix cannot be read/],
    ] as const;
    for (const [wrong, sentence] of tries) {
      const at = `nbds+unix:///?socket=${socket}`;
      const owner = await startOwner({ disks: { a: target }, nbd: `${at}&tls-psk-file=${keys}` });
      const words = ["send", owner.to, "--from", served.control, "--forward-to", at + wrong];
      expect(refusal(await runBlkmig(words))).toEqual(refused(3, sentence));
      await owner.running.ended;
    }
    expect(readFileSync(target).every((byte) => byte === 0xee)).toBe(true);
    expect(await served.status()).toMatchObject({ disks: [{ state: "local" }] });
  });
});
