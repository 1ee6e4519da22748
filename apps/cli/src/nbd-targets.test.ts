import { readdirSync, readFileSync } from "node:fs";

import { openTargetJournal, placeOfRecord, withheldBlock } from "@blkmig/journal";
import { describe, expect, it } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { type ForeignServer, hasNbdkit, startNbdkit, startSilentServer } from "./nbd-servers.test-kit.ts";
import {
  type JsonEvent,
  refusal,
  refused,
  runBlkmig,
  type Running,
  startBlkmig,
  temporaryFolder,
} from "./run-blkmig.test-kit.ts";

const AT = "tcp://127.0.0.1:0";
const SIZE = 12 * MIB;
const SLOW = ["--max-bandwidth", "6M"];

type Path = (name: string) => string;

const isUnderWay = ({ event, remaining }: JsonEvent): boolean =>
  event === "status" && Number(remaining) < SIZE - 4 * MIB;
const startReceiver = (path: Path, url: string, ...more: readonly string[]): Running =>
  startBlkmig(["receive", AT, "--json", "--disk", `a=${url}`, "--state-dir", path("state"), ...more]);

/** The record in the state directory. */
function recordIn(path: Path): { readonly state: string } {
  const name = readdirSync(path("state")).find((each) => each.endsWith(".blkmig"))!;
  return JSON.parse(readFileSync(path(`state/${name}`), "utf8")) as { state: string };
}

async function stateOf(path: Path, url: string): Promise<unknown> {
  const asked = ["status", "--json", "--target", url, "--state-dir", path("state")];
  return (await runBlkmig(asked)).events.at(-1)?.["state"];
}

interface Moving {
  readonly path: Path;
  readonly source: string;
  /** The file behind the server. */
  readonly target: string;
  readonly server: ForeignServer;
  readonly receiver: Running;
  readonly sender: Running;
}

/** In the middle of a migration to a file behind nbdkit. */
async function startMoving(): Promise<Moving> {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), SIZE);
  const target = makeGarbage(path("target"), SIZE);
  const server = await startNbdkit(path("socket"), "file", target);
  const receiver = startReceiver(path, server.url);
  const sender = startBlkmig(["send", await receiver.url(), "--json", "--disk", `a=${source}`, ...SLOW]);
  await receiver.until(isUnderWay);
  return { path, source, target, server, receiver, sender };
}

/** Both ends once more, with --resume. */
async function resume({ path, source, server }: Moving): Promise<readonly unknown[]> {
  const receiver = startReceiver(path, server.url, "--resume");
  const sent = await runBlkmig(["send", await receiver.url(), "--disk", `a=${source}`, "--resume"]);
  return [sent.code, (await receiver.ended).code];
}

const firstBlock = (file: string): Uint8Array => readFileSync(file).subarray(0, MIB);
const isAll = (byte: number, bytes: Uint8Array): boolean => bytes.every((each) => each === byte);

describe.skipIf(!hasNbdkit)("a target behind nbdkit (skipped without the program nbdkit)", () => {
  it("is written, committed and recorded in the state directory, with its first block withheld until then", async () => {
    const moving = await startMoving();
    const { path, source, target, server, receiver, sender } = moving;
    expect(isAll(0, firstBlock(target))).toBe(true);
    expect(await stateOf(path, server.url)).toBe("incomplete");
    const [sent, received] = [await sender.ended, await receiver.ended];
    expect([sent.code, received.code]).toEqual([0, 0]);
    expect(sameFiles(source, target)).toBe(true);
    expect(readdirSync(path("state"))).toHaveLength(1);
    expect(recordIn(path)).toMatchObject({ state: "committed" });
    expect(await stateOf(path, server.url)).toBe("complete");
    const notLocked = expect.stringMatching(/disk 'a': nbd\+unix:.* is not locked, so nothing keeps other programs/);
    expect(received.events).toContainEqual({ event: "warning", message: notLocked });
  });

  it("whose receiver is killed boots nowhere, and --resume goes on with it", async () => {
    const moving = await startMoving();
    const { path, source, target, server, receiver, sender } = moving;
    for (const each of [receiver, sender]) each.process.kill("SIGKILL");
    await Promise.all([receiver.ended, sender.ended]);
    expect(isAll(0, firstBlock(target))).toBe(true);
    expect(await stateOf(path, server.url)).toBe("incomplete");
    const again = await runBlkmig(["receive", AT, "--disk", `a=${server.url}`, "--state-dir", path("state")]);
    expect(refusal(again)).toEqual(refused(3, /is an unfinished target of migration .* --resume goes on with it/));
    expect(await resume(moving)).toEqual([0, 0]);
    expect(sameFiles(source, target)).toBe(true);
  });

  it("whose server was killed may have lost what was not flushed: it fails, and --resume makes it whole", async () => {
    const moving = await startMoving();
    const { path, source, target, server, receiver, sender } = moving;
    await server.kill();
    await server.restart();
    const [sent, received] = [await sender.ended, await receiver.ended];
    expect(refusal(received)).toEqual(refused(1, /disk 'a'.*the targets are not complete/));
    expect(sent.code).toBe(1);
    expect(recordIn(path)).toMatchObject({ state: "incomplete" });
    expect(isAll(0, firstBlock(target))).toBe(true);
    expect(await resume(moving)).toEqual([0, 0]);
    expect(sameFiles(source, target)).toBe(true);
  });

  it("gets its first block by `blkmig resolve`, by its URL", async () => {
    const path = temporaryFolder();
    const target = makeGarbage(path("target"), MIB);
    const { url } = await startNbdkit(path("socket"), "file", target);
    const like = { path: url, kind: "nbd", identity: { url }, size: MIB } as const;
    const record = await placeOfRecord(like, { stateDir: path("state") });
    const { journal } = await openTargetJournal([{ name: "a", size: MIB, record }]);
    await journal.begin("m1");
    await withheldBlock(record).save(new Uint8Array(4096).fill(7));
    await journal.decide("sealed", 1);
    expect(await stateOf(path, url)).toBe("sealed");
    const words = ["resolve", "--target", url, "--commit", "m1", "--state-dir", path("state")];
    const resolved = await runBlkmig(words);
    expect(resolved).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/is not locked, so a receiver or sender/),
    });
    expect(isAll(7, firstBlock(target).subarray(0, 4096))).toBe(true);
    expect(isAll(0xee, firstBlock(target).subarray(4096))).toBe(true);
    expect(await stateOf(path, url)).toBe("complete");
  });

  it("that is in memory, of a session and of a classic stream", async () => {
    for (const wire of ["2", "1.1"]) {
      const path = temporaryFolder();
      const source = makeDisk(path("source"), SIZE);
      const { url } = await startNbdkit(path("socket"), "memory", String(SIZE));
      const receiver = startReceiver(path, url);
      const sent = await runBlkmig(["send", await receiver.url(), "--wire", wire, "--disk", `a=${source}`]);
      expect([sent.code, (await receiver.ended).code]).toEqual([0, 0]);
      expect((await runBlkmig(["verify", source, url])).code).toBe(0);
    }
  });
});

it("a server that says nothing is waited for until the receiver is interrupted", async () => {
  const path = temporaryFolder();
  const { url, came } = startSilentServer(path("silent"));
  const receiver = startReceiver(path, url);
  await came;
  receiver.process.kill("SIGINT");
  expect(refusal(await receiver.ended)).toEqual(refused(130, /cancelled/));
});

it("another machine's disk is written in clear text with --insecure alone", async () => {
  const words = ["receive", AT, "--disk", "a=nbd://0.0.0.0:1/a"];
  expect(refusal(await runBlkmig(words))).toEqual(refused(3, /is in clear text .* say --insecure/));
  expect(refusal(await runBlkmig([...words, "--insecure"]))).toEqual(refused(3, /0\.0\.0\.0:1\/a: .*ECONNREFUSED/));
});

describe.skipIf(!hasNbdkit)("a target behind nbdkit is refused (skipped without the program nbdkit)", () => {
  const receive = async (path: Path, ...more: readonly string[]) =>
    refusal(await runBlkmig(["receive", AT, "--state-dir", path("state"), ...more]));

  it("that nobody may write, or that holds a file system, or that is two disks at once", async () => {
    const path = temporaryFolder();
    const file = makeGarbage(path("file"), MIB);
    const { url } = await startNbdkit(path("read-only"), "-r", "file", file);
    expect(await receive(path, "--disk", `a=${url}`)).toEqual(refused(3, /disk 'a': .*its server says .* read-only/));
    const writable = await startNbdkit(path("writable"), "data", `@0x438 0x53 0xef @${MIB - 1} 0`);
    expect(await receive(path, "--disk", `a=${writable.url}`)).toEqual(refused(3, /--force filesystem overwrites it/));
    const same = await startNbdkit(path("same"), "memory", "1M");
    const twice = await receive(path, "--disk", `a=${same.url}`, "--disk", `b=${same.url}`);
    expect(twice).toEqual(refused(3, /disks 'a' and 'b' are the same disk, nbd\+unix:/));
  });

  it("that is too small, whatever is forced", async () => {
    const path = temporaryFolder();
    const { url } = await startNbdkit(path("socket"), "memory", "1M");
    const sized = await receive(path, "--disk", `a=${url}`, "--size", "a=2M", "--force", "filesystem");
    expect(sized).toEqual(refused(3, /too small for a disk of 2097152/));
    const receiver = startReceiver(path, url);
    const sent = await runBlkmig(["send", await receiver.url(), "--disk", `a=${makeDisk(path("source"), 2 * MIB)}`]);
    expect(refusal(sent)).toEqual(refused(3, /too small for a disk of 2097152/));
    expect((await receiver.ended).code).toBe(3);
  });

  it("that is missing, whether --create was said or not", async () => {
    const path = temporaryFolder();
    const nobody = `nbd+unix:///?socket=${path("nobody")}`;
    for (const create of [[], ["--create"]]) {
      expect(await receive(path, "--disk", `a=${nobody}`, ...create)).toEqual(refused(3, /nobody/));
    }
    const strict = ["exportname=here", "exportname-strict=true"];
    const { url } = await startNbdkit(path("socket"), "--filter=exportname", "memory", "1M", ...strict);
    const elsewhere = url.replace("///", "///elsewhere");
    expect(await receive(path, "--disk", `a=${elsewhere}`, "--create")).toEqual(refused(3, /elsewhere/));
  });

  it("whose blocks are larger than what is sent again, or do not divide the disk", async () => {
    const path = temporaryFolder();
    const coarse = ["blocksize-minimum=8192", "blocksize-preferred=8192", "blocksize-error-policy=error"];
    const { url } = await startNbdkit(path("socket"), "--filter=blocksize-policy", "memory", "1M", ...coarse);
    const send = async (size: number, ...more: readonly string[]) => {
      const receiver = startReceiver(path, url);
      const words = ["send", await receiver.url(), "--disk", `a=${makeDisk(path("source"), size)}`, ...more];
      const sent = await runBlkmig(words);
      return [refusal(sent), (await receiver.ended).code];
    };
    const fine = /written in blocks of 8192 bytes, and the grain .* is 4096: say --granularity 8192/;
    expect(await send(MIB, "--granularity", "4K")).toEqual([refused(3, fine), 3]);
    const odd = /written in blocks of 8192 bytes, and a disk of 1044480 bytes is no multiple/;
    expect(await send(MIB - 4096)).toEqual([refused(3, odd), 3]);
    expect((await send(MIB, "--granularity", "8K"))[1]).toBe(0);
    expect((await runBlkmig(["verify", path("source"), url])).code).toBe(0);
  });
});
