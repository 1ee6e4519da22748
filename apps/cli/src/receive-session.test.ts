import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";

import { SESSION_MAGIC } from "@blkmig/protocol";
import { expect, it } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const AT = "tcp://127.0.0.1:0";
const SIZE = 6 * MIB + 512;
const recordOf = (disk: string): unknown => JSON.parse(readFileSync(`${disk}.blkmig`, "utf8"));

it("a session is taken: committed, read back, and on record", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), SIZE);
  const target = makeGarbage(path("target"), SIZE);
  const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${target}`]);
  const sent = await runBlkmig(["send", await receiver.url(), "--json", "--disk", `a=${source}`, "--verify"]);
  const received = await receiver.ended;
  expect([sent.code, received.code]).toEqual([0, 0]);
  expect(sameFiles(source, target)).toBe(true);
  const migration = sent.events.at(-1)!["migration"];
  expect(received.events.at(-1)).toMatchObject({
    event: "completed",
    migration,
    attempt: 1,
    proved: true,
    verified: true,
    answered: true,
    total: SIZE,
    transferred: expect.any(Number),
    disks: [{ name: "a", size: SIZE, "data-bytes": expect.any(Number), "zero-bytes": expect.any(Number) }],
  });
  expect(received.events).toContainEqual(
    expect.objectContaining({ event: "status", phase: "switchover", status: "device", remaining: 0, total: SIZE }),
  );
  expect(recordOf(target)).toMatchObject({ role: "target", state: "committed", migration, disk: "a", size: SIZE });
});

it("a session says how large its disks are: what is missing is made so, sparse, and needs no --size", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), 64 * MIB);
  const target = path("new");
  const receiver = startBlkmig(["receive", AT, "--json", "--create", "--disk", `a=${target}`]);
  const url = await receiver.url();
  expect(existsSync(target)).toBe(false);
  expect((await runBlkmig(["send", url, "--disk", `a=${source}`])).code).toBe(0);
  expect((await receiver.ended).code).toBe(0);
  expect(sameFiles(source, target)).toBe(true);
  expect(statSync(target).blocks * 512).toBeLessThan(64 * MIB);
});

it("a classic sender at a missing target of unknown size is refused, and nothing is made", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), MIB);
  const receiver = startBlkmig(["receive", AT, "--json", "--create", "--disk", `a=${path("new")}`]);
  const sent = await runBlkmig(["send", await receiver.url(), "--wire", "1.1", "--disk", `a=${source}`]);
  expect(sent.code).toBe(1);
  expect(refusal(await receiver.ended)).toEqual(refused(3, /carries no size: say --size a=BYTES/));
  expect(existsSync(path("new"))).toBe(false);
});

it("several disks go by their names, in whatever order they were said", async () => {
  const path = temporaryFolder();
  const [a, b] = [makeDisk(path("a"), SIZE, 1), makeDisk(path("b"), 2 * MIB, 2)];
  const [x, y] = [makeGarbage(path("x"), SIZE), makeGarbage(path("y"), 2 * MIB)];
  const receiver = startBlkmig(["receive", AT, "--json", "--disk", `b=${y}`, "--disk", `a=${x}`]);
  expect((await runBlkmig(["send", await receiver.url(), "--disk", `a=${a}`, "--disk", `b=${b}`])).code).toBe(0);
  expect((await receiver.ended).code).toBe(0);
  expect([sameFiles(a, x), sameFiles(b, y)]).toEqual([true, true]);
});

it.each([
  [["a", "c"], ["a"], /'c' is expected here, and the sender has only 'a'/],
  [["a"], ["a", "c"], /the sender has a disk 'c', expected here: 'a'/],
])("of disks %j here and %j there none is taken, and both are told", async (here, there, sentence) => {
  const path = temporaryFolder();
  const disks = there.flatMap((name) => ["--disk", `${name}=${makeDisk(path(`s-${name}`), MIB)}`]);
  const targets = here.map((name) => makeGarbage(path(`t-${name}`), MIB));
  const said = here.flatMap((name, at) => ["--disk", `${name}=${targets[at]}`]);
  const receiver = startBlkmig(["receive", AT, "--json", ...said]);
  const sent = await runBlkmig(["send", await receiver.url(), ...disks]);
  expect(refusal(sent)).toEqual(refused(3, sentence));
  const received = await receiver.ended;
  expect(refusal(received)).toEqual(refused(3, sentence));
  expect(received.events.at(-1)).toMatchObject({ event: "failed", code: "unknown-device" });
  for (const target of targets) {
    expect(readFileSync(target).every((byte) => byte === 0xee)).toBe(true);
    expect(existsSync(`${target}.blkmig`)).toBe(false);
  }
});

it("a target too small is refused, one that is larger keeps its rest and is warned of", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), 2 * MIB);
  const small = startBlkmig(["receive", AT, "--json", "--disk", `a=${makeGarbage(path("small"), MIB)}`]);
  const sent = await runBlkmig(["send", await small.url(), "--disk", `a=${source}`]);
  expect(refusal(sent)).toEqual(refused(3, /too small for a disk of 2097152/));
  expect(refusal(await small.ended)).toEqual(refused(3, /has 1048576 bytes, which is too small .*nothing was written/));

  const target = makeGarbage(path("large"), 3 * MIB);
  const large = startBlkmig(["receive", AT, "--json", "--disk", `a=${target}`]);
  expect((await runBlkmig(["send", await large.url(), "--disk", `a=${source}`])).code).toBe(0);
  const { events } = await large.ended;
  expect(events).toContainEqual({ event: "warning", message: expect.stringContaining("only the first 2097152 are") });
  const bytes = readFileSync(target);
  expect(bytes.subarray(0, 2 * MIB).equals(readFileSync(source))).toBe(true);
  expect(bytes.subarray(2 * MIB).every((byte) => byte === 0xee)).toBe(true);
});

it("--incremental is said on both sides, or on none", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), MIB);
  const target = makeGarbage(path("target"), MIB);
  for (const [here, there, sentence] of [
    [[], ["--incremental"], /the sender leaves out what is in a base, and --incremental was not said here/],
    [["--incremental"], [], /the sender sends what is in a base, and --incremental was said here/],
  ] as const) {
    const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${target}`, ...here]);
    const sent = await runBlkmig(["send", await receiver.url(), "--disk", `a=${source}`, ...there]);
    expect(refusal(sent)).toEqual(refused(3, sentence));
    expect(refusal(await receiver.ended)).toEqual(refused(3, sentence));
  }
});

it("who begins a session and offers nothing is dropped, and the receiver goes on listening", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), MIB);
  const target = makeGarbage(path("target"), MIB);
  const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${target}`]);
  const url = new URL(await receiver.url());
  connect(Number(url.port), url.hostname)
    .on("error", () => {})
    .end(SESSION_MAGIC);
  await receiver.until(({ event, message }) => event === "warning" && String(message).startsWith("dropped tcp:"));
  expect((await runBlkmig(["send", url.href, "--disk", `a=${source}`])).code).toBe(0);
  expect((await receiver.ended).code).toBe(0);
});

it("a receiver that is kept takes one session after the other, and tells one that it refuses", async () => {
  const path = temporaryFolder();
  const target = makeGarbage(path("target"), MIB);
  const receiver = startBlkmig(["receive", AT, "--json", "--keep", "--disk", `a=${target}`]);
  const url = await receiver.url();
  const send = (seed: number) => runBlkmig(["send", url, "--disk", `a=${makeDisk(path(`source${seed}`), MIB, seed)}`]);
  for (const seed of [1, 2]) {
    expect((await send(seed)).code).toBe(0);
    expect(sameFiles(path(`source${seed}`), target)).toBe(true);
  }
  writeFileSync(`${target}.blkmig`, '{"blkmig-record":99}');
  expect(refusal(await send(3))).toEqual(refused(3, /written by a later blkmig/));
  receiver.process.kill("SIGINT");
  const { code, events } = await receiver.ended;
  expect(code).toBe(130);
  const ends = events.map(({ event }) => event).filter((event) => ["completed", "failed", "cancelled"].includes(event));
  expect(ends).toEqual(["completed", "completed", "failed", "cancelled"]);
});

it("a session cannot be kept in a file: it needs answers", async () => {
  const path = temporaryFolder();
  writeFileSync(path("stream"), SESSION_MAGIC);
  const target = makeGarbage(path("target"), MIB);
  const ended = await runBlkmig(["receive", `file://${path("stream")}`, "--disk", `a=${target}`]);
  expect(refusal(ended)).toEqual(refused(3, /a session needs answers, and nobody reads them there/));
});
