import { describe, expect, it } from "vitest";

import { createInspector } from "./inspect/inspect-bytes.test-kit.ts";
import { recordSession } from "./inspect/record-session.test-kit.ts";
import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { hasQemu, startMachine } from "./qmp-machine.test-kit.ts";
import { startRelay, type Watch } from "./relay.test-kit.ts";
import { runBlkmig, type Running, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { startServing } from "./serving.test-kit.ts";

const SIZE = 6 * MIB + 512;
const DATA = 1;
const UNCHECKED = { event: "completed", checksums: false };

interface Stage {
  readonly path: (name: string) => string;
  readonly source: string;
  readonly target: string;
  readonly receiver: Running;
  readonly to: string;
}

async function setStage(size = SIZE): Promise<Stage> {
  const path = temporaryFolder();
  const [source, target] = [makeDisk(path("source"), size), makeGarbage(path("target"), size)];
  const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", "--disk", `a=${target}`]);
  return { path, source, target, receiver, to: await receiver.url() };
}

/** What the checksums say of the payloads of all data frames in a source's direction. */
function checksumsIn(stream: Buffer): readonly number[] {
  const found: number[] = [];
  for (let at = 8; at < stream.length; at += 32 + stream.readUInt32BE(at + 4)) {
    if (stream[at] === DATA) found.push(stream.readUInt32BE(at + 24));
  }
  return found;
}

it("no data has a checksum, the copy is equal, the receiver says so, and what was sent can be inspected", async () => {
  const { source, target, receiver, to } = await setStage();
  const recorded = await recordSession(to);
  const sent = await runBlkmig(["send", recorded.url, "--json", "--disk", `a=${source}`, "--no-checksum"]);
  expect(sent).toMatchObject({ code: 0, stderr: "" });
  expect((await receiver.ended).events.at(-1)).toMatchObject({ ...UNCHECKED, verified: true });
  expect(sameFiles(source, target)).toBe(true);
  const stream = Buffer.concat(recorded.source);
  const checksums = checksumsIn(stream);
  expect(checksums.length).toBeGreaterThan(3);
  expect(new Set(checksums)).toEqual(new Set([0]));
  const { code, events } = await createInspector()(stream, "--summary", "--json");
  expect(code).toBe(0);
  expect(events[0]).toMatchObject({ ended: true, session: { frames: { data: { count: checksums.length } } } });
});

it("unless it is said every data frame has one, and what the receiver says is that", async () => {
  const { source, receiver, to } = await setStage();
  const recorded = await recordSession(to);
  expect((await runBlkmig(["send", recorded.url, "--disk", `a=${source}`])).code).toBe(0);
  expect((await receiver.ended).events.at(-1)).toMatchObject({ event: "completed", checksums: true });
  expect(checksumsIn(Buffer.concat(recorded.source))).not.toContain(0);
});

it("a bit that is flipped on the way is found by reading back, and sent again", async () => {
  const { source, target, receiver, to } = await setStage();
  let isFlipped = false;
  const flip: Watch = (way, chunk, at) => {
    const place = MIB + 5 - at;
    if (way === "there" && place >= 0 && place < chunk.length) {
      chunk[place]! ^= 4;
      isFlipped = true;
    }
    return [chunk];
  };
  const relay = await startRelay("tcp://127.0.0.1:0", flip);
  relay.leadTo(to);
  const sent = await runBlkmig(["send", relay.url, "--json", "--disk", `a=${source}`, "--no-checksum"]);
  expect([sent.code, isFlipped]).toEqual([0, true]);
  expect((await receiver.ended).events.at(-1)).toMatchObject({ ...UNCHECKED, verified: true });
  expect(sameFiles(source, target)).toBe(true);
  expect(sent.events.at(-1)).toMatchObject({ reconnects: 0 });
});

it("a sender that was killed is taken up with --resume, and again without checksums", async () => {
  const { source, target, receiver, to } = await setStage(24 * MIB);
  const words = ["--json", "--disk", `a=${source}`, "--no-checksum"];
  const first = startBlkmig(["send", to, ...words, "--max-bandwidth", "16M"]);
  await first.until(({ event, ...status }) => event === "status" && Number(status["acknowledged"]) > 4 * MIB);
  first.process.kill("SIGKILL");
  await first.ended;
  const relay = await recordSession(to);
  expect(await runBlkmig(["send", relay.url, ...words, "--resume"])).toMatchObject({ code: 0, stderr: "" });
  expect((await receiver.ended).events.at(-1)).toMatchObject(UNCHECKED);
  expect(sameFiles(source, target)).toBe(true);
  expect(new Set(checksumsIn(Buffer.concat(relay.source)))).toEqual(new Set([0]));
});

it("a live disk goes so with --from", async () => {
  const { source, target, receiver, to } = await setStage();
  const served = await startServing({ disks: { a: source } });
  const words = ["--from", served.control, "--after", "close", "--no-checksum"];
  expect(await runBlkmig(["send", to, "--json", ...words])).toMatchObject({ code: 0, stderr: "" });
  expect((await receiver.ended).events.at(-1)).toMatchObject(UNCHECKED);
  await served.running.ended;
  expect(sameFiles(source, target)).toBe(true);
});

describe.skipIf(!hasQemu)("of a QEMU that runs (needs qemu-system-x86_64)", () => {
  it("a disk goes so with --qmp", async () => {
    const { path, source, target, receiver, to } = await setStage(6 * MIB);
    const { url } = await startMachine({ path, disks: [{ id: "a", path: source, format: "raw" }] });
    const words = ["--qmp", url, "--disk", "a=a", "--downtime-limit", "20s", "--no-checksum"];
    const env = { BLKMIG_STATE_DIR: path("state") };
    expect(await runBlkmig(["send", to, "--json", ...words], { env })).toMatchObject({ code: 0 });
    expect((await receiver.ended).events.at(-1)).toMatchObject(UNCHECKED);
    expect(sameFiles(source, target)).toBe(true);
  });
});
