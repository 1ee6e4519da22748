import { expect, it } from "vitest";

import { makeDisk, makeGarbage, MIB } from "../make-disks.test-kit.ts";
import { runBlkmig, temporaryFolder } from "../run-blkmig.test-kit.ts";
import { startSessionReceiver } from "../session-receiver.test-kit.ts";
import { createInspector } from "./inspect-bytes.test-kit.ts";
import { recordSession } from "./record-session.test-kit.ts";
import { SINK, SOURCE, streamOf } from "./session-streams.test-kit.ts";

it("what a source says is shown frame by frame, disks by their names, and nothing of a peer's steers the terminal", async () => {
  const { bytes, positions } = streamOf(SOURCE);
  const shown = await createInspector()(bytes);
  expect(shown).toMatchObject({ code: 0, stderr: expect.not.stringMatching(/^blkmig: /m) });
  const lines = shown.stdout.trimEnd().split("\n");
  expect(lines.slice(0, -1).map((line) => Number(line.slice(0, 14)))).toEqual(positions);
  expect(lines.map((line) => line.slice(16))).toMatchObject([
    "preface   blkmig's own session",
    expect.stringMatching(/^message {3}\{"say":"hello","versions":\[2,2\],.*"migration":"m-1".*"name":"vd\\u001bb"/),
    "ping      7",
    "data      'vda' at 4096, 3 bytes",
    String.raw`hole      'vd\u{1b}b' at 0, 512 bytes`,
    `hash      'vda' at 4096, 3 bytes: ${"ab".repeat(32)}`,
    "hash      'vda' at 65536, 1048576 bytes: zero",
    "passed over: 37 bytes, type 0x80",
    "data      'vda' at 0, 5 bytes",
    'message   {"say":"flush","serial":1}',
    'message   {"say":"prepare","attempt":1}',
    'message   {"say":"seal","attempt":1,"frames":3,"verified":true}',
    'message   {"say":"commit","attempt":1}',
    'message   {"say":"done","attempt":1}',
    expect.anything(),
  ]);
  expect(lines.at(-1)).toBe("it ends between two frames; the last word on the switchover is 'done' of attempt 1");
});

it("what a source says is counted", async () => {
  const inspect = createInspector();
  const { bytes, positions } = streamOf(SOURCE);
  const { code, events } = await inspect(bytes, "--summary", "--json");
  expect(code).toBe(0);
  expect(events.map(({ event }) => event)).toEqual(["summary", "completed"]);
  const none = { "equal-bytes": 0, "not-equal-bytes": 0 };
  expect(events[0]).toMatchObject({
    transferred: bytes.length,
    ended: true,
    disks: [
      { ...none, disk: 0, name: "vda", size: 1024 * MIB, "data-bytes": 8, "hole-bytes": 0, "hash-bytes": MIB + 3 },
      { ...none, disk: 1, name: "vd\u001Bb", size: 512, "data-bytes": 0, "hole-bytes": 512, "hash-bytes": 0 },
    ],
    session: {
      speaker: "source",
      versions: [2, 2],
      migration: "m-1",
      frames: {
        preface: { count: 1, bytes: 8 },
        data: { count: 2, bytes: 72 },
        hole: { count: 1, bytes: 32 },
        hash: { count: 2, bytes: 96 },
        "passed-over": { count: 1, bytes: 37 },
      },
      acks: { count: 0 },
      commit: [10, 11, 12, 13].map((at) => ({ position: positions[at] })),
      ending: "clean",
    },
  });
  const said = events[0]!["session"] as { frames: Record<string, { bytes: number }>; commit: { message: object }[] };
  expect(Object.values(said.frames).reduce((sum, { bytes: own }) => sum + own, 0)).toBe(bytes.length);
  expect(said.commit.map(({ message }) => message)).toMatchObject(
    ["prepare", "seal", "commit", "done"].map((say) => ({ say, attempt: 1 })),
  );
  const { stdout } = await inspect(bytes, "--summary");
  expect(stdout).toMatch(/ bytes of a session of blkmig's, the source speaks, versions 2 to 2\nmigration m-1\n/);
  expect(stdout).toMatch(/^disk 0 'vda', 1073741824 bytes, .*: 8 bytes of data, 0 of holes, 1048579 hashed/m);
  expect(stdout).toMatch(/^hash: 2 frame\(s\), 96 bytes$/m);
});

it("what a sink says is shown and counted, its disks by their indexes", async () => {
  const inspect = createInspector();
  const { bytes } = streamOf(SINK);
  const shown = await inspect(bytes);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toMatch(
    / answer {4}disk 0 at 4096, 3 bytes: equal\n.* disk 0 at 65536, 1048576 bytes: not equal\n/,
  );
  expect(shown.stdout).toMatch(/ ack {7}2 written, 1 durable\n.* ack {7}3 written, 3 durable\n/);
  const { events } = await inspect(bytes, "--summary", "--json");
  expect(events[0]).toMatchObject({
    disks: [{ disk: 0, "equal-bytes": 3, "not-equal-bytes": MIB }],
    session: {
      speaker: "sink",
      version: 2,
      acks: { count: 2, written: 3, durable: 3 },
      commit: [
        { message: { say: "ready", serve: "nbd://here" } },
        { message: { say: "sealed" } },
        { message: { say: "committed" } },
      ],
    },
  });
  const { stdout } = await inspect(bytes, "--summary");
  expect(stdout).toMatch(/^acknowledgements: 2, the last of 3 written and 3 durable$/m);
});

it("both directions of a migration agree with each other", async () => {
  const inspect = createInspector();
  const path = temporaryFolder();
  const size = 6 * MIB + 512;
  const receiver = await startSessionReceiver({ targets: { a: makeGarbage(path("target"), size) } });
  const recorded = await recordSession(receiver.url);
  const sent = await runBlkmig(["send", recorded.url, "--disk", `a=${makeDisk(path("source"), size)}`]);
  expect(sent.code).toBe(0);
  await receiver.session.ended;
  const source = await inspect(Buffer.concat(recorded.source), "--json");
  const sink = await inspect(Buffer.concat(recorded.sink), "--json");
  expect([source.code, sink.code]).toEqual([0, 0]);
  const frames = source.events.filter(({ type }) => type === "data" || type === "hole");
  expect(new Set(frames.map(({ device }) => device))).toEqual(new Set(["a"]));
  expect(frames.reduce((sum, { length }) => sum + Number(length), 0)).toBe(size);
  const [summary, answered] = [source.events.at(-2), sink.events.at(-2)];
  expect(summary).toMatchObject({
    ended: true,
    disks: [{ name: "a", size }],
    session: { speaker: "source", migration: receiver.offers[0]!.migration },
  });
  expect(answered).toMatchObject({ session: { speaker: "sink", acks: { written: frames.length } } });
  const words = [summary, answered].map((event) => {
    const { commit } = event!["session"] as { commit: readonly { message: { say: string } }[] };
    return commit.map(({ message }) => message.say);
  });
  expect(words).toEqual([
    ["prepare", "seal", "commit", "done"],
    ["ready", "sealed", "committed"],
  ]);
});
