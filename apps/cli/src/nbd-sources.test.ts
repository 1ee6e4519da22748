import { randomBytes } from "node:crypto";
import { copyFileSync, writeFileSync } from "node:fs";

import { openSourceJournal, placeOfRecord } from "@blkmig/journal";
import { describe, expect, it } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import {
  hasNbdkit,
  hasQemuNbd,
  qemuImg,
  qemuIo,
  startNbdkit,
  startQemuNbd,
  startSilentServer,
} from "./nbd-servers.test-kit.ts";
import { type Ended, refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const AT = "tcp://127.0.0.1:0";
const SIZE = 12 * MIB;

type Path = (name: string) => string;

/** From a source to a file, both with their records in a folder of the test's. */
async function move(path: Path, source: string, target: string, more: readonly string[] = []) {
  const where = ["--json", "--state-dir", path("state"), ...more];
  const receiver = startBlkmig(["receive", AT, "--disk", `a=${target}`, ...where]);
  const sent = await runBlkmig(["send", await receiver.url(), "--disk", `a=${source}`, ...where]);
  return { sent, received: await receiver.ended };
}

/** A qcow2 image over a raw one: some clusters of its own hold data, and some hold zeroes over what is below. */
function makeOverlay(path: Path): { readonly base: string; readonly overlay: string } {
  const base = makeDisk(path("base"), SIZE);
  const overlay = path("overlay");
  qemuImg("create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, overlay);
  qemuIo(overlay, "write -P 0x5a 4M 3M", "write -z 1M 1M", "write -P 0xa5 9000000 1000");
  return { base, overlay };
}

const codes = ({ sent, received }: { readonly sent: Ended; readonly received: Ended }) => [sent.code, received.code];
const isSame = (image: string, raw: string): string => qemuImg("compare", "-f", "qcow2", "-F", "raw", image, raw);

describe.skipIf(!hasQemuNbd)("a source behind qemu-nbd (skipped without the program qemu-nbd)", () => {
  it("that is an image over another one arrives whole, and its holes are not read", async () => {
    const path = temporaryFolder();
    const { overlay } = makeOverlay(path);
    const { url } = await startQemuNbd(path("socket"), "-r", "-f", "qcow2", overlay);
    const moved = await move(path, url, makeGarbage(path("target"), SIZE));
    expect(codes(moved)).toEqual([0, 0]);
    expect(isSame(overlay, path("target"))).toContain("identical");
    const [disk] = moved.sent.events.at(-1)!["disks"] as [Record<string, number>];
    expect(disk["zero-bytes"]).toBeGreaterThanOrEqual(MIB);
    const sentence = /disk 'a': nothing says whether nbd\+unix:.* is written by others while it is sent/;
    expect(moved.sent.events).toContainEqual({ event: "warning", message: expect.stringMatching(sentence) });
  });

  it("sends only what stands above its base, where its server says that", async () => {
    const path = temporaryFolder();
    const { base, overlay } = makeOverlay(path);
    copyFileSync(base, path("target"));
    const { url } = await startQemuNbd(path("socket"), "-r", "--allocation-depth", "-f", "qcow2", overlay);
    const moved = await move(path, url, path("target"), ["--incremental"]);
    expect(codes(moved)).toEqual([0, 0]);
    expect(isSame(overlay, path("target"))).toContain("identical");
    const { transferred } = moved.sent.events.at(-1)!;
    expect(transferred).toBeGreaterThan(3 * MIB);
    expect(transferred).toBeLessThan(4 * MIB);
  });

  it("whose server does not say that is refused", async () => {
    const path = temporaryFolder();
    const { overlay } = makeOverlay(path);
    const { url } = await startQemuNbd(path("socket"), "-r", "-f", "qcow2", overlay);
    const sent = await runBlkmig(["send", "tcp://127.0.0.1:1", "--disk", `a=${url}`, "--incremental"]);
    expect(refusal(sent)).toEqual(refused(3, /--incremental .* what stands above a base: qemu-nbd --allocation-depth/));
  });
});

describe.skipIf(!hasNbdkit)("a source behind nbdkit (skipped without the program nbdkit)", () => {
  it("may be killed and started again while it is sent", async () => {
    const path = temporaryFolder();
    const source = makeDisk(path("source"), SIZE);
    const server = await startNbdkit(path("socket"), "-r", "file", source);
    const target = makeGarbage(path("target"), SIZE);
    const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${target}`]);
    const slow = ["--max-bandwidth", "6M", "--state-dir", path("state")];
    const sender = startBlkmig(["send", await receiver.url(), "--json", "--disk", `a=${server.url}`, ...slow]);
    await receiver.until(({ event, remaining }) => event === "status" && Number(remaining) < SIZE - 2 * MIB);
    await server.kill();
    await sender.until(({ event, message }) => event === "warning" && /does not answer \(/.test(String(message)));
    await server.restart();
    expect([(await sender.ended).code, (await receiver.ended).code]).toEqual([0, 0]);
    expect(sameFiles(source, target)).toBe(true);
  });

  it("that is away is not waited for when the sender is interrupted", async () => {
    const path = temporaryFolder();
    const server = await startNbdkit(
      path("socket"),
      "-r",
      "--filter=delay",
      "file",
      makeDisk(path("source"), SIZE),
      "rdelay=3600",
    );
    const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${makeGarbage(path("target"), SIZE)}`]);
    const words = ["--json", "--disk", `a=${server.url}`, "--state-dir", path("state")];
    const sender = startBlkmig(["send", await receiver.url(), ...words]);
    await sender.until(({ event }) => event === "status");
    await server.kill();
    await sender.until(({ event, message }) => event === "warning" && /does not answer \(/.test(String(message)));
    sender.process.kill("SIGINT");
    expect((await sender.ended).code).toBe(130);
  });

  it("that has moved is on record by its URL: it is sent no more", async () => {
    const path = temporaryFolder();
    const { url } = await startNbdkit(path("socket"), "-r", "file", makeDisk(path("source"), MIB));
    expect(codes(await move(path, url, makeGarbage(path("target"), MIB)))).toEqual([0, 0]);
    const state = ["--state-dir", path("state")];
    const again = await runBlkmig(["send", "tcp://127.0.0.1:1", "--disk", `a=${url}`, ...state]);
    expect(refusal(again)).toEqual(refused(3, /disk 'a': nbd\+unix:.* has moved to tcp:.*--force moved sends/));
    const status = await runBlkmig(["status", "--json", "--source", url, ...state]);
    expect(status.events).toEqual([expect.objectContaining({ event: "source", path: url, state: "moved" })]);
  });

  it("that is in doubt is resolved by its URL, though nobody may write it", async () => {
    const path = temporaryFolder();
    const { url } = await startNbdkit(path("socket"), "-r", "file", makeDisk(path("source"), MIB));
    const disk = { path: url, kind: "nbd", identity: { url }, size: MIB } as const;
    const record = await placeOfRecord(disk, { stateDir: path("state") });
    const { journal } = await openSourceJournal([{ name: "a", size: MIB, record }]);
    await journal.begin("m1");
    await journal.asked(1);
    const state = ["--state-dir", path("state")];
    expect((await runBlkmig(["resolve", "--source", url, "--gone", "m1", ...state])).code).toBe(0);
    expect((await runBlkmig(["status", "--json", "--source", url, ...state])).events[0]).toMatchObject({
      state: "moved",
    });
  });

  it("is encrypted for whoever has its key, and refused to others", async () => {
    const path = temporaryFolder();
    const source = makeDisk(path("source"), SIZE);
    const [keys, others] = [path("keys.psk"), path("others.psk")];
    for (const file of [keys, others])
      writeFileSync(file, `alice:${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
    const tls = ["--tls=require", `--tls-psk=${keys}`];
    const { url } = await startNbdkit(path("socket"), "-r", ...tls, "file", source);
    const secure = (file: string): string => `${url.replace("nbd+unix://", "nbds+unix://alice@")}&tls-psk-file=${file}`;
    expect(codes(await move(path, secure(keys), makeGarbage(path("target"), SIZE)))).toEqual([0, 0]);
    expect(sameFiles(source, path("target"))).toBe(true);
    for (const wrong of [url, secure(others)]) {
      expect((await runBlkmig(["verify", source, wrong])).code).toBe(5);
    }
  });

  it("that is gone is refused before anybody is dialled, and so is an export that its server does not have", async () => {
    const path = temporaryFolder();
    const send = async (url: string) => refusal(await runBlkmig(["send", "tcp://127.0.0.1:1", "--disk", `a=${url}`]));
    expect(await send(`nbd+unix:///?socket=${path("nobody")}`)).toEqual(refused(3, /nbd\+unix:.*nobody.*ENOENT/));
    const { url } = await startNbdkit(
      path("socket"),
      "--filter=exportname",
      "memory",
      "1M",
      "exportname=a",
      "exportname-strict=true",
      "default-export=",
    );
    expect(await send(url.replace("///", "///b"))).toEqual(refused(3, /nbd\+unix:\/\/\/b/));
  });
});

it("a server that says nothing is waited for until it is interrupted", async () => {
  const { url, came } = startSilentServer(temporaryFolder()("silent"));
  const sender = startBlkmig(["send", "tcp://127.0.0.1:1", "--disk", `a=${url}`]);
  await came;
  sender.process.kill("SIGINT");
  expect(refusal(await sender.ended)).toEqual(refused(130, /cancelled/));
});

it("keys that cannot be read are refused before anybody is dialled", async () => {
  const path = temporaryFolder();
  const send = async (url: string) => refusal(await runBlkmig(["send", "tcp://127.0.0.1:1", "--disk", `a=${url}`]));
  const keys = path("keys.psk");
  const url = `nbds+unix:///?socket=${path("nobody")}`;
  expect(await send(`${url}&tls-psk-file=${keys}`)).toEqual(refused(3, /the key file .*keys\.psk cannot be read/));
  writeFileSync(keys, "no key\n");
  expect(await send(`${url}&tls-psk-file=${keys}`)).toEqual(refused(3, /keys\.psk/));
  expect(await send(url)).toEqual(refused(3, /names no keys: add tls-psk-file=FILE/));
});

it("a URL that is wrong is no disk, and one that leaves this machine in clear text is refused", async () => {
  const send = async (url: string) => refusal(await runBlkmig(["send", "tcp://127.0.0.1:1", "--disk", `a=${url}`]));
  expect(await send("nbd:host/export")).toEqual(refused(2, /--disk a: 'nbd:host\/export'.* for example nbd:\/\//));
  const leaves = /nbd:\/\/192\.0\.2\.1:10809\/a is in clear text and not only on this machine: .*say --insecure/;
  expect(await send("nbd://192.0.2.1/a")).toEqual(refused(3, leaves));
});
