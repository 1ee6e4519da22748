import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { connect } from "node:net";

import { openTargetJournal } from "@blkmig/journal";
import { expect, it, onTestFinished } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { type Ended, refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const AT = "tcp://127.0.0.1:0";
const OLD = "migration-of-old";

/** A target that a migration has written, up to some state. */
async function recorded(path: string, state: "incomplete" | "sealed" | "committed"): Promise<string> {
  makeGarbage(path, MIB);
  const record = { path: `${path}.blkmig`, beside: true };
  const { journal } = await openTargetJournal([{ name: "a", size: MIB, record }]);
  await journal.begin(OLD);
  if (state === "incomplete") return path;
  await journal.decide("sealed", 1);
  if (state === "committed") await journal.decide("committed", 1);
  return path;
}

/** The magic of an ext4 superblock. */
function withFileSystem(path: string): string {
  writeFileSync(path, Uint8Array.of(0x53, 0xef), { flag: "r+" });
  const bytes = readFileSync(path);
  bytes.set([0x53, 0xef], 1024 + 56);
  writeFileSync(path, bytes);
  return path;
}

const receive = (target: string, ...more: readonly string[]): Promise<Ended> =>
  runBlkmig(["receive", AT, "--disk", `a=${target}`, ...more]);

/** A receiver that listens, or the refusal. */
async function listen(target: string, ...more: readonly string[]) {
  const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${target}`, ...more]);
  return { receiver, url: await receiver.url() };
}

/** Whether a migration to it ends well. */
async function moves(path: (name: string) => string, target: string, ...more: readonly string[]): Promise<boolean> {
  const source = makeDisk(path("source"), MIB);
  const { receiver, url } = await listen(target, ...more);
  const sent = await runBlkmig(["send", url, "--disk", `a=${source}`]);
  const received = await receiver.ended;
  return sent.code === 0 && received.code === 0 && sameFiles(source, target);
}

it("a file system is refused before anything listens, and overwritten with --force filesystem", async () => {
  const path = temporaryFolder();
  const target = withFileSystem(makeGarbage(path("target"), MIB));
  const before = readFileSync(target);
  expect(refusal(await receive(target))).toEqual(
    refused(3, /disk 'a': .* holds an ext.* file system: --force filesystem overwrites it/),
  );
  expect(readFileSync(target).equals(before)).toBe(true);
  expect(await moves(path, target, "--force", "filesystem")).toBe(true);
});

it("another migration's unfinished target is refused, and overwritten with --force incomplete", async () => {
  const path = temporaryFolder();
  const target = withFileSystem(await recorded(path("target"), "incomplete"));
  expect(refusal(await receive(target))).toEqual(
    refused(3, /unfinished target of migration migration-of-old: --resume goes on .* --force incomplete overwrites it/),
  );
  expect(await moves(path, target, "--force", "incomplete")).toBe(true);
});

it("--resume takes up its own migration alone: another is refused `incomplete` when it is offered", async () => {
  const path = temporaryFolder();
  const target = await recorded(path("target"), "incomplete");
  const { receiver, url } = await listen(target, "--resume");
  const sent = await runBlkmig(["send", url, "--disk", `a=${makeDisk(path("source"), MIB)}`]);
  const sentence = /unfinished target of migration migration-of-old, not of .*--force incomplete/;
  expect(refusal(sent)).toEqual(refused(3, sentence));
  expect(refusal(await receiver.ended)).toEqual(refused(3, sentence));
  expect(readFileSync(target).every((byte) => byte === 0xee)).toBe(true);
});

it("what is in doubt is never overwritten: the command that ends the doubt is told", async () => {
  const target = await recorded(temporaryFolder()("target"), "sealed");
  const commit = `\`blkmig resolve --target ${target} --commit ${OLD}\``;
  for (const more of [[], ["--force", "incomplete", "--force", "filesystem"]]) {
    const ended = await receive(target, ...more);
    expect(refusal(ended)).toEqual(refused(3, /is in doubt, of migration migration-of-old, and is never overwritten/));
    expect(ended.stderr).toContain(commit);
  }
  const { receiver } = await listen(target, "--resume");
  receiver.process.kill("SIGINT");
  await receiver.ended;
  expect((await runBlkmig(["resolve", "--target", target, "--abort", OLD])).code).toBe(0);
  expect(refusal(await receive(target))).toEqual(refused(3, /--force incomplete/));
});

it("a complete target without a file system may be written again", async () => {
  const path = temporaryFolder();
  expect(await moves(path, await recorded(path("target"), "committed"))).toBe(true);
});

it("a record that cannot be believed is refused: a damaged one may be forced, one of a later version never", async () => {
  const path = temporaryFolder();
  const target = makeGarbage(path("target"), MIB);
  writeFileSync(`${target}.blkmig`, '{"blkmig-record":99}');
  for (const force of [[], ["--force", "incomplete"]]) {
    expect(refusal(await receive(target, ...force))).toEqual(refused(3, /written by a later blkmig/));
  }
  writeFileSync(`${target}.blkmig`, "{");
  expect(refusal(await receive(target))).toEqual(
    refused(3, /half of one: whether .* --force incomplete overwrites it/),
  );
  expect(await moves(path, target, "--force", "incomplete")).toBe(true);
  expect(JSON.parse(readFileSync(`${target}.blkmig`, "utf8"))).toMatchObject({ state: "committed" });
});

it("a classic stream that is cut leaves a marked target; a receiver that is kept takes it again, with a warning", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), 3 * MIB);
  const target = makeGarbage(path("target"), 3 * MIB);
  await runBlkmig(["send", `file://${path("stream")}`, "--disk", `a=${source}`]);
  truncateSync(path("stream"), 2 * MIB);
  const { receiver, url } = await listen(target, "--keep");
  const { hostname, port } = new URL(url);
  connect(Number(port), hostname).end(readFileSync(path("stream")));
  await receiver.until(({ event }) => event === "failed");
  expect(JSON.parse(readFileSync(`${target}.blkmig`, "utf8"))).toMatchObject({ state: "incomplete" });
  const sent = await runBlkmig(["send", url, "--wire", "1.1", "--disk", `a=${source}`]);
  expect(sent.code).toBe(0);
  await receiver.until(({ event }) => event === "completed");
  receiver.process.kill("SIGINT");
  const { events } = await receiver.ended;
  expect(events).toContainEqual({ event: "warning", message: expect.stringContaining("which failed here") });
  expect(sameFiles(source, target)).toBe(true);
  expect(JSON.parse(readFileSync(`${target}.blkmig`, "utf8"))).toMatchObject({ state: "committed" });
});

it("a classic sender whose disk is not expected leaves no mark", async () => {
  const path = temporaryFolder();
  const { receiver, url } = await listen(makeGarbage(path("target"), MIB));
  await runBlkmig(["send", url, "--wire", "1.1", "--disk", `b=${makeDisk(path("source"), MIB)}`]);
  expect((await receiver.ended).code).toBe(3);
  expect(existsSync(`${path("target")}.blkmig`)).toBe(false);
});

const noLoops = process.getuid?.() !== 0 || spawnSync("losetup", ["-f"]).status !== 0;

it.skipIf(noLoops)(
  "a block device that counts in other sectors is refused, unless that is taken on (needs losetup and root)",
  async () => {
    const path = temporaryFolder();
    const below = makeGarbage(path("below"), MIB);
    const device = spawnSync("losetup", ["-f", "--show", "-b", "4096", below], { encoding: "utf8" }).stdout.trim();
    onTestFinished(() => void spawnSync("losetup", ["-d", device]));
    const source = makeDisk(path("source"), MIB);
    const { receiver, url } = await listen(device, "--state-dir", path("state"));
    const sent = await runBlkmig(["send", url, "--disk", `a=${source}`]);
    const why = /disk 'a': .* has sectors of 4096 bytes, and those of the disk are 512: .*--force sector-size/;
    expect(refusal(sent)).toEqual(refused(3, why));
    expect((await receiver.ended).code).toBe(3);
    expect(readFileSync(below).every((byte) => byte === 0xee)).toBe(true);
    expect(await moves(path, device, "--force", "sector-size", "--state-dir", path("state"))).toBe(true);
  },
);
