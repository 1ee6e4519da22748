import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

import { createToken, parseToken } from "@blkmig/transport/tls";
import { expect, it } from "vitest";

import { notInSchema } from "./event-schema.test-kit.ts";
import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { type Ended, refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { createMove } from "./session-move.test-kit.ts";
import { startSessionReceiver } from "./session-receiver.test-kit.ts";

const SIZE = 24 * MIB + 512;
const NOT_AGAIN = ["--reconnect-for", "0ms"];

function pair(): { path: (name: string) => string; source: string; target: string } {
  const path = temporaryFolder();
  return { path, source: makeDisk(path("source"), SIZE), target: makeGarbage(path("target"), SIZE) };
}

const recordOf = (disk: string): unknown => JSON.parse(readFileSync(`${disk}.blkmig`, "utf8"));
const send = (to: string, source: string, ...more: readonly string[]): Promise<Ended> =>
  runBlkmig(["send", to, "--json", "--disk", `a=${source}`, ...more]);

it("a disk moves by a session, and is marked as moved: it is not sent again unasked", async () => {
  const { path, source, target } = pair();
  const receiver = await startSessionReceiver({ targets: { a: target } });
  const sent = await send(receiver.url, source);
  expect(sent).toMatchObject({ code: 0, stderr: "" });
  expect(sameFiles(source, target)).toBe(true);
  const { migration } = receiver.offers[0]!;
  expect(sent.events.at(-1)).toMatchObject({
    event: "completed",
    proved: true,
    migration,
    total: SIZE,
    reconnects: 0,
    downtime: expect.any(Number),
    disks: [{ name: "a", "equal-bytes": expect.any(Number) }],
  });
  expect(await receiver.session.ended).toMatchObject({ migration, told: true });
  expect(recordOf(source)).toMatchObject({ role: "source", state: "moved", migration, to: receiver.url });

  const again = await send(receiver.url, source);
  expect(refusal(again)).toEqual(refused(3, /disk 'a': .* has moved to tcp:.* --force moved/));
  const classic = await send(`file://${path("stream")}`, source);
  expect(refusal(classic)).toEqual(refused(3, /has moved/));
  expect((await send(`file://${path("stream")}`, source, "--force", "moved")).code).toBe(0);
  expect(recordOf(source)).toMatchObject({ state: "moved" }); // the older wires record nothing
});

it("a clone leaves the source a disk of its own", async () => {
  const { source, target } = pair();
  const first = await startSessionReceiver({ targets: { a: target } });
  expect((await send(first.url, source, "--clone")).code).toBe(0);
  expect(first.offers).toMatchObject([{ clone: true, resume: false }]);
  expect(recordOf(source)).toMatchObject({ state: "cloned" });
  const second = await startSessionReceiver({ targets: { a: target } });
  expect((await send(second.url, source)).code).toBe(0);
});

it.each([
  ["--verify", true],
  ["--no-verify", false],
] as const)("%s: read back before the commit is %s", async (flag, verified) => {
  const { source, target } = pair();
  const receiver = await startSessionReceiver({ targets: { a: target } });
  expect((await send(receiver.url, source, flag)).code).toBe(0);
  expect(await receiver.session.ended).toMatchObject({ verified });
});

it("a connection that breaks is made again, and nothing is lost", async () => {
  const { source, target } = pair();
  const receiver = await startSessionReceiver({ targets: { a: target } });
  const sender = startBlkmig(["send", receiver.url, "--json", "--disk", `a=${source}`, "--max-bandwidth", "40M"]);
  await receiver.until(({ progress }) => progress().covered > 4 * MIB);
  receiver.cut();
  const sent = await sender.ended;
  expect(sent.code).toBe(0);
  expect(sent.events).toContainEqual(expect.objectContaining({ event: "reconnect", connected: true, reconnects: 1 }));
  expect(sent.events.at(-1)).toMatchObject({ event: "completed", reconnects: 1 });
  expect(notInSchema(sent)).toEqual([]);
  expect(sameFiles(source, target)).toBe(true);
  expect(receiver.offers).toHaveLength(1);
});

it("a sender that listens goes on listening: the receiver dials again", async () => {
  const { source, target } = pair();
  const receiver = await startSessionReceiver({ targets: { a: target } });
  const slow = ["--max-bandwidth", "40M"];
  const sender = startBlkmig(["send", "tcp://127.0.0.1:0", "--listen", "--json", "--disk", `a=${source}`, ...slow]);
  const url = await sender.url();
  void receiver.dial(url);
  await receiver.until(({ progress }) => progress().covered > 4 * MIB);
  receiver.cut();
  await receiver.dial(url);
  expect((await sender.ended).events.at(-1)).toMatchObject({ event: "completed", reconnects: 1 });
  expect(sameFiles(source, target)).toBe(true);
});

it("a receiver that is gone for good ends it: the source is intact, and can be sent again", async () => {
  const { source, target } = pair();
  const before = readFileSync(source);
  const receiver = await startSessionReceiver({ targets: { a: target } });
  const again = ["--max-bandwidth", "20M", "--reconnect-for", "500ms"];
  const sender = startBlkmig(["send", receiver.url, "--json", "--disk", `a=${source}`, ...again]);
  await receiver.until(({ progress }) => progress().covered > 2 * MIB);
  await receiver.die();
  const sent = await sender.ended;
  expect(refusal(sent)).toEqual(refused(1, /no other came about: .*; to go on, start both ends again with --resume: /));
  expect(sent.events.at(-1)).toMatchObject({ event: "failed", code: "wire" });
  expect(readFileSync(source).equals(before)).toBe(true);
  expect(recordOf(source)).toMatchObject({ state: "sending" });
});

it("a migration that was broken off is taken up with --resume, and what is there is not sent again", async () => {
  const { source, target } = pair();
  const first = await startSessionReceiver({ targets: { a: target } });
  const slow = ["--max-bandwidth", "20M", "--no-verify"];
  const sender = startBlkmig(["send", first.url, "--json", "--disk", `a=${source}`, ...slow]);
  await first.until(({ progress }) => progress().covered > 8 * MIB);
  sender.process.kill("SIGKILL");
  await sender.ended;
  const second = startBlkmig(["send", first.url, "--json", "--disk", `a=${source}`, "--resume", "--no-verify"]);
  const resumed = await second.ended;
  expect(resumed).toMatchObject({ code: 0, stderr: "" });
  expect(first.offers).toHaveLength(1); // the same session went on
  expect(resumed.events.at(-1)).toMatchObject({ event: "completed", migration: first.offers[0]!.migration });
  expect(sameFiles(source, target)).toBe(true);
});

it("SIGTERM says that it can be gone on with, and by what it says it is", async () => {
  const options = ["--max-bandwidth", "20M", "--no-verify"];
  const move = await createMove({ wire: "tcp", target: "garbage", size: 8 * MIB, seed: 3, options });
  await move.receive();
  const sender = move.send();
  await sender.until(({ event, transferred }) => event === "status" && Number(transferred) > MIB);
  sender.process.kill("SIGTERM");
  const [sent, received] = [await sender.ended, await move.ended("receiver")];
  const kept = /cancelled: the source is as the guest left it; to go on, start both ends again with --resume: /;
  expect(refusal(sent)).toEqual(refused(130, kept));
  expect(sent.events.at(-1)).toMatchObject({ event: "cancelled", message: expect.stringMatching(kept) });
  expect(received.code).toBe(1);
  const ended = await move.finish();
  expect([ended.sender.code, ended.receiver.code]).toEqual([0, 0]);
  await move.expectWell();
});

it("--resume where nothing is recorded warns, and begins anew", async () => {
  const { source, target } = pair();
  const receiver = await startSessionReceiver({ targets: { a: target } });
  const sent = await send(receiver.url, source, "--resume");
  expect(sent).toMatchObject({ code: 0, stderr: expect.stringContaining("a new one begins") });
  expect(receiver.offers).toMatchObject([{ resume: false }]);
});

it("an answer that is lost leaves it in doubt; it is not sent again unasked, and --resume learns the outcome", async () => {
  const { source, target } = pair();
  const first = await startSessionReceiver({ targets: { a: target }, onCommitted: async () => first.die() });
  const sent = await send(first.url, source, ...NOT_AGAIN);
  const { migration } = first.offers[0]!;
  const commands = [
    `blkmig resolve --source ${source} --keep ${migration}`,
    `blkmig resolve --source ${source} --gone ${migration}`,
  ];
  expect(refusal(sent)).toEqual(
    refused(
      4,
      /it is not known whether the receiver has committed.*; to find out, start both ends again with --resume$/,
    ),
  );
  expect(sent.events.at(-1)).toMatchObject({ event: "in-doubt", migration, resolve: commands });
  expect(notInSchema(sent)).toEqual([]);
  expect(recordOf(source)).toMatchObject({ state: "asked" });

  const unasked = await send(first.url, source);
  expect(refusal(unasked)).toEqual(refused(3, /is in doubt: .* --resume .* --keep .* --gone/));
  expect(unasked.stderr).toContain(commands[1]);
  expect(refusal(await send(first.url, source, "--resume"))).toEqual(refused(4, /still not known.*ECONNREFUSED/));
  expect(recordOf(source)).toMatchObject({ state: "asked" });

  const second = await startSessionReceiver({ targets: { a: target } });
  const resumed = await send(second.url, source, "--resume");
  expect(resumed).toMatchObject({ code: 0, stderr: "" });
  expect(resumed.events.at(-1)).toMatchObject({ event: "completed", migration });
  expect(recordOf(source)).toMatchObject({ state: "moved" });
  expect(sameFiles(source, target)).toBe(true);
});

it("people are told the commands that would end what is in doubt", async () => {
  const { source, target } = pair();
  const receiver = await startSessionReceiver({ targets: { a: target }, onCommitted: async () => receiver.die() });
  const sent = await runBlkmig(["send", receiver.url, "--disk", `a=${source}`, ...NOT_AGAIN]);
  expect(sent.code).toBe(4);
  expect(sent.stderr).toContain(`\n  blkmig resolve --source ${source} --keep ${receiver.offers[0]!.migration}\n`);
});

it("a session that is refused before it began ends in 3", async () => {
  const { source, target } = pair();
  const receiver = await startSessionReceiver({ targets: { a: target }, refuse: "the target is mounted" });
  const sent = await send(receiver.url, source);
  expect(refusal(sent)).toEqual(refused(3, /the receiver refused: .*the target is mounted/));
  expect(sent.events.at(-1)).toMatchObject({ event: "failed", code: "refused" });
  expect(existsSync(`${source}.blkmig`)).toBe(false);
});

it("a disk whose migration to here is not finished is no source, unless that danger is taken on", async () => {
  const { path, source, target } = pair();
  const receiver = await startSessionReceiver({ targets: { a: target } });
  const sender = startBlkmig(["send", receiver.url, "--json", "--disk", `a=${source}`, "--max-bandwidth", "8M"]);
  await receiver.until(({ progress }) => progress().covered > MIB);
  sender.process.kill("SIGKILL");
  await sender.ended;
  await receiver.die();
  const to = `file://${path("stream")}`;
  expect(refusal(await send(to, target))).toEqual(refused(3, /is the target of migration .*--force incomplete/));
  expect((await send(to, target, "--force", "incomplete")).code).toBe(0);
  const verified = await runBlkmig(["verify", source, target]);
  expect(verified).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/target is the target of migration .* not fin/),
  });
  expect(verified.stderr).not.toContain("source is");
});

it("records may be kept elsewhere", async () => {
  const { path, source, target } = pair();
  const receiver = await startSessionReceiver({ targets: { a: target } });
  const state = ["--state-dir", path("state")];
  expect((await send(receiver.url, source, ...state)).code).toBe(0);
  expect(existsSync(`${source}.blkmig`)).toBe(false);
  expect(refusal(await send(receiver.url, source, ...state))).toEqual(refused(3, /has moved/));
});

it("a token encrypts it, and proves both ends: a wrong one is refused", async () => {
  const { path, source, target } = pair();
  const token = createToken();
  writeFileSync(path("token"), token, { mode: 0o600 });
  writeFileSync(path("other"), createToken(), { mode: 0o600 });
  const tls = { token: parseToken(token) };
  const receiver = await startSessionReceiver({ targets: { a: target }, at: "tls://127.0.0.1:0", tls });
  const sent = await send(receiver.url, source, "--token-file", path("token"), "--clone");
  expect(sent).toMatchObject({ code: 0, stderr: "" });
  expect(sameFiles(source, target)).toBe(true);
  const wrong = await send(receiver.url, source, "--token-file", path("other"));
  expect(refusal(wrong)).toEqual(refused(3, /^blkmig: tls:/));
  const none = await send(receiver.url, source, "--token-file", path("none"));
  expect(refusal(none)).toEqual(refused(3, /--token-file: .* cannot be read/));
});

it("a record that cannot be written, or looked for, is refused before anything is dialled", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), MIB);
  const nowhere = await send("tcp://127.0.0.1:1", source, "--state-dir", `${source}/no folder`);
  expect(refusal(nowhere)).toEqual(refused(3, /it could not be read: not a directory \(ENOTDIR\)/));
  if (process.getuid?.() === 0) return; // to root no folder is closed
  chmodSync(path(""), 0o555);
  const closed = await send("tcp://127.0.0.1:1", source);
  chmodSync(path(""), 0o755);
  expect(refusal(closed)).toEqual(refused(3, /cannot be written: .*--state-dir/));
});

it("a record that turns out to be unwritable ends it before the first byte", async () => {
  const { source, target } = pair();
  mkdirSync(`${source}.blkmig.new`); // in the way of its next version
  const receiver = await startSessionReceiver({ targets: { a: target } });
  const sent = await send(receiver.url, source);
  expect(refusal(sent)).toEqual(refused(3, /source\.blkmig: it could not be written durably/));
  expect(sent.events.at(-1)).toMatchObject({ event: "failed", code: "journal" });
  expect(readFileSync(target).every((byte) => byte === 0xee)).toBe(true);
});
