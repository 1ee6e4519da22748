import { crc32 } from "node:zlib";

import { encodeData, encodeHole, encodeSessionPing, SESSION_MAGIC } from "@blkmig/protocol";
import { describe, expect, test } from "vitest";

import { createHandDrivenSource } from "./hand-driven-source.test-kit.ts";
import { LoadError } from "./load-error.ts";
import {
  createGate,
  createSessionUnderTest,
  createStandingClock,
  GARBAGE,
  GRANULE,
  KiB,
  MiB,
} from "./session-under-test.test-kit.ts";

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};
const piece = (at: number, fill: number) =>
  encodeData({ disk: 0, offset: at * GRANULE, length: GRANULE }, Buffer.alloc(GRANULE, fill));

describe("a handshake", () => {
  test("of another version is refused, with both ranges, and the session lives", async () => {
    const on = createSessionUnderTest();
    const source = on.greet();
    await source.heard("welcome");
    const other = on.dial();
    other.open();
    other.put(messageOf({ say: "hello", versions: [3, 5], whatever: true }));
    expect(await other.heard("refused")).toEqual({
      say: "refused",
      code: "version",
      message: "this receiver speaks version 2 of the session, the sender 3 to 5",
    });
    expect(await other.taking).toMatchObject({ how: "turned-away", code: "version" });
    expect(await on.isOver()).toBe(false);
  });

  test("of another migration, or of other disks, is turned away and disturbs nobody", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect();
    for (const said of [
      { migration: "m-2" },
      { disks: [{ name: "vdb", size: 4 * MiB, granularity: GRANULE }] },
      { disks: [{ name: "vda", size: 8 * MiB, granularity: GRANULE }] },
      { disks: [{ name: "vda", size: 4 * MiB, granularity: 4096 }] },
      { incremental: true },
      { clone: true },
    ]) {
      const other = on.greet(said);
      const message = expect.stringMatching("migration" in said ? /another migration/ : /must be offered as it began/);
      expect(await other.heard("refused")).toMatchObject({ code: "busy", message });
      expect(await other.taking).toMatchObject({ how: "turned-away", code: "busy" });
    }
    source.put(piece(0, 1));
    await source.acked(1);
  });

  test("that is refused and takes no answer keeps nobody waiting", async () => {
    const on = createSessionUnderTest();
    await on.connect();
    const deaf = createHandDrivenSource();
    const taking = on.session.take({ read: deaf.wire.read, send: () => new Promise<void>(() => {}) });
    deaf.open();
    deaf.say({ ...on.hello, migration: "m-2" });
    await turns();
    const source = await on.connect(); // the clock stands
    source.put(piece(0, 1));
    await source.acked(1);
    await Promise.race([taking, turns()]).then((end) => expect(end).toBeUndefined());
  });

  test("that is none gets no byte of a session, and nothing is opened", async () => {
    for (const bytes of [Buffer.from("GET / HTTP/1.1\r\n\r\n"), Buffer.from("QEVM\0\0\0\x03")]) {
      const on = createSessionUnderTest();
      const source = on.dial();
      source.put([bytes]);
      expect(await source.taking).toMatchObject({ how: "turned-away", code: "protocol" });
      await turns();
      expect(source.bytesHeard()).toBe(0);
      expect(on.session.migration).toBeUndefined();
    }
  });

  test("that is under way when the migration ends hears nothing before it has said anything", async () => {
    const on = createSessionUnderTest();
    const source = on.dial();
    await turns();
    await on.session.giveUp("nobody came");
    expect(await source.taking).toMatchObject({ how: "turned-away", code: "over" });
    await turns();
    expect(source.bytesHeard()).toBe(0);
  });

  test("that does not begin with HELLO, or ends early, is turned away", async () => {
    const on = createSessionUnderTest();
    const early = on.dial();
    early.open();
    early.put(encodeSessionPing(1));
    expect(await early.taking).toMatchObject({ how: "turned-away", code: "protocol" });
    const cut = on.dial();
    cut.put([SESSION_MAGIC.subarray(0, 4)]);
    cut.finish();
    expect(await cut.taking).toMatchObject({ how: "turned-away", code: "protocol" });
    const empty = on.dial();
    empty.open();
    empty.finish();
    expect(await empty.taking).toMatchObject({ how: "turned-away", code: "wire" });
    expect(await on.isOver()).toBe(false);
  });

  test("must come within ten seconds", async () => {
    const time = createStandingClock();
    const on = createSessionUnderTest({ clock: time.clock });
    const source = on.dial();
    source.open();
    await turns();
    await time.advance(10_000);
    expect(await source.taking).toMatchObject({ how: "turned-away", why: "no HELLO came within 10 s" });
  });

  test("agrees to the smaller frame, and a larger one is then refused", async () => {
    const on = createSessionUnderTest();
    const source = on.greet({ frameBytes: 4096 });
    expect(await source.heard("welcome")).toMatchObject({ frameBytes: 4096, window: 64 * MiB });
    source.put(encodeData({ disk: 0, offset: 0, length: 4097 }, Buffer.alloc(4097)));
    expect(await source.taking).toMatchObject({ how: "cut" });
    expect(await on.greet({ frameBytes: 16 * MiB }).heard("welcome")).toMatchObject({ frameBytes: MiB });
  });
});

describe("targets that cannot be opened", () => {
  const refused = async (error: unknown) => {
    const on = createSessionUnderTest({
      open: () => {
        throw error;
      },
    });
    const source = on.greet();
    const said = await source.heard("refused");
    expect(await source.taking).toEqual({ how: "over" });
    return { said, error: await on.failure() };
  };

  test("end the session, and the source is told why", async () => {
    const { said, error } = await refused(
      new LoadError("unknown-device", "there is no target for vda", { touched: false, recognised: true }),
    );
    expect(said).toEqual({ say: "refused", code: "unknown-device", message: "there is no target for vda" });
    expect(error).toMatchObject({ code: "unknown-device", touched: false });
  });

  test("whatever was thrown: its own code is said where it can be", async () => {
    const cause = Object.assign(new Error("vda holds a file system"), { code: "filesystem" });
    const { said, error } = await refused(cause);
    expect(said).toMatchObject({ code: "filesystem", message: "vda holds a file system" });
    expect(error).toMatchObject({ code: "refused", cause });
    expect((await refused(Object.assign(new Error("x"), { code: "ERR_WHAT?" }))).said.code).toBe("refused");
  });

  test("or that are read-only, or of another size, are let go untouched", async () => {
    for (const [part, code] of [
      [{ readOnly: true }, "read-only"],
      [{ size: 2 * MiB }, "beyond-the-end"],
    ] as const) {
      const on = createSessionUnderTest({ before: (device) => ({ ...device, ...part }) });
      const source = on.greet();
      expect(await source.heard("refused")).toMatchObject({ code });
      expect((await on.failure()).code).toBe(code);
      expect(on.steps).toEqual(["close untouched"]);
    }
  });
});

describe("the past cannot speak", () => {
  test("a newer connection is welcomed only when what the older one began has settled", async () => {
    const landed = createGate();
    const on = createSessionUnderTest({
      before: (device) => ({
        ...device,
        write: async (offset, data) => {
          await landed.passed;
          await device.write(offset, data);
        },
      }),
    });
    const old = await on.connect();
    old.put(piece(0, 1));
    await turns();
    const young = on.greet();
    let welcomed = false;
    const welcome = young.heard("welcome").then((said) => {
      welcomed = true;
      return said;
    });
    await turns(40);
    expect(old.isDestroyed()).toBe(true);
    expect(welcomed).toBe(false);
    landed.pass();
    expect((await welcome).epoch).toBe(2);
    expect(await old.taking).toMatchObject({ how: "cut", why: "a newer connection took its place" });
    young.put(piece(0, 2));
    await young.acked(1);
    expect((await on.content(0, GRANULE)).every((byte) => byte === 2)).toBe(true);
  });

  test("nor by what is still in its buffers", async () => {
    const on = createSessionUnderTest();
    const old = await on.connect({}, 100);
    old.put(piece(0, 1)); // comes a hundred bytes at a time
    await turns(3);
    const young = await on.connect();
    young.put(piece(0, 2));
    await young.acked(1);
    await turns(2000);
    expect((await on.content(0, GRANULE)).every((byte) => byte === 2)).toBe(true);
    expect(on.session.progress().disks[0]!.dataBytes).toBe(GRANULE);
  });

  test("nor where its wire cannot be destroyed", async () => {
    const on = createSessionUnderTest();
    const old = createHandDrivenSource();
    const taking = on.session.take({ read: old.wire.read, send: old.wire.send });
    old.open();
    old.say(on.hello);
    await old.heard("welcome");
    const young = await on.connect();
    expect(await taking).toMatchObject({ how: "cut" });
    old.put(piece(0, 1));
    await turns();
    expect(on.steps).toEqual([]);
    young.put(piece(0, 2));
    await young.acked(1);
  });

  test("of two at once the newer wins, whoever says HELLO first", async () => {
    const on = createSessionUnderTest();
    const first = on.dial();
    const second = on.greet();
    await second.heard("welcome");
    first.open();
    first.say(on.hello);
    expect(await first.taking).toMatchObject({ how: "turned-away", code: "superseded" });
    second.put(piece(0, 2));
    await second.acked(1);
  });

  test("acknowledgements count this connection's frames, and what landed before is kept", async () => {
    const on = createSessionUnderTest();
    const old = await on.connect();
    old.put(piece(0, 1));
    old.put(piece(1, 1));
    await old.acked(2);
    old.cut();
    expect(await old.taking).toEqual({ how: "cut", why: "the wire broke: ECONNRESET" });
    const young = await on.connect();
    young.put(encodeHole({ disk: 0, offset: 2 * GRANULE, length: 4 * MiB - 2 * GRANULE }));
    await young.acked(1);
    young.say({ say: "seal", attempt: 1, frames: 1, verified: false });
    await young.heard("sealed");
  });

  test("a source that was restarted must send or hash everything anew", async () => {
    const on = createSessionUnderTest();
    const old = await on.connect();
    old.put(piece(0, 1));
    old.put(piece(1, 1));
    await old.acked(2);
    old.finish();
    await old.taking;
    const young = on.greet({ source: "s-2", resume: true });
    expect((await young.heard("welcome")).held).toEqual([[[0, 2 * GRANULE]]]);
    expect(on.session.progress().covered).toBe(0);
    young.put(encodeHole({ disk: 0, offset: 2 * GRANULE, length: 4 * MiB - 2 * GRANULE }));
    young.say({ say: "seal", attempt: 1, frames: 1, verified: false });
    expect((await young.heard("failed")).message).toContain("2 of 64 granules");
  });

  test("a restarted source finds what is sealed as it is; after an abort it must send anew", async () => {
    const on = createSessionUnderTest();
    const old = await on.connect();
    old.put(encodeHole({ disk: 0, offset: 0, length: 4 * MiB }));
    old.say({ say: "seal", attempt: 1, frames: 1, verified: false });
    await old.heard("sealed");
    old.finish();
    await old.taking;
    const young = await on.connect({ source: "s-2", resume: true });
    young.say({ say: "abort", attempt: 1 });
    await young.heard("aborted");
    expect(on.session.progress().covered).toBe(0);
  });

  test("what no connection of ours ever heard of is unknown, and never a no", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect();
    // The record of an attempt that this program has never seen may be on another's disk.
    source.say({ say: "outcome", attempt: 1 });
    const answer = source.heard("state").then(({ state }) => state);
    expect(await answer).toBe("unknown");
  });

  test("whoever sends is in doubt of nothing that went before", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect();
    source.put(piece(0, 1));
    await source.acked(1);
    source.say({ say: "outcome", attempt: 1 });
    expect(await source.heard("state")).toMatchObject({ state: "open" });
  });
});

describe("a session ends", () => {
  test("as incomplete, when nobody comes any more", async () => {
    const on = createSessionUnderTest();
    await on.session.giveUp("no source came back within 60 s");
    expect(await on.failure()).toMatchObject({
      code: "incomplete",
      message: "no source came back within 60 s",
      touched: false,
      recognised: false,
    });
    const late = on.greet();
    expect(await late.heard("refused")).toMatchObject({ code: "over" });
  });

  test("as incomplete, with what is missing, after a cut", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect();
    source.put(piece(0, 1));
    await source.acked(1);
    source.cut();
    await source.taking;
    expect(on.events.filter(({ type }) => type === "cut")).toEqual([
      { type: "cut", why: "the wire broke: ECONNRESET" },
    ]);
    await on.session.giveUp("no source came back");
    const error = await on.failure();
    expect(error).toMatchObject({ code: "incomplete", touched: true, recognised: true });
    expect(error.message).toBe(
      "no source came back; missing: 'vda' 63 of 64 granules of 65536 bytes, the first at 65536",
    );
    expect(on.steps.at(-1)).toBe("close touched");
  });

  test("cancelled by its signal, and the source is told", async () => {
    const controller = new AbortController();
    const on = createSessionUnderTest({ signal: controller.signal });
    const source = await on.connect();
    controller.abort();
    expect(await source.heard("failed")).toMatchObject({ code: "cancelled" });
    expect((await on.failure()).code).toBe("cancelled");
    expect(await source.taking).toEqual({ how: "over" });
    const aborted = AbortSignal.abort();
    expect((await createSessionUnderTest({ signal: aborted }).failure()).code).toBe("cancelled");
  });

  test("cancelled by its source", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect();
    source.say({ say: "cancel", message: "" });
    expect(await on.failure()).toMatchObject({ code: "cancelled-by-source", touched: false });
    expect(on.steps).toEqual(["close untouched"]);
  });

  test("by a disk that fails: nothing is under way any more, and the source is told", async () => {
    for (const broken of ["write", "zero", "flush"] as const) {
      let under = 0;
      const fail = async (): Promise<void> => {
        under++;
        await turns(3);
        under--;
        throw new Error("no space left");
      };
      const on = createSessionUnderTest({ before: (device) => ({ ...device, [broken]: fail }) });
      const source = await on.connect();
      source.put(piece(0, 1));
      source.put(piece(1, 1));
      source.put(encodeHole({ disk: 0, offset: MiB, length: MiB }));
      source.say({ say: "flush", serial: 1 });
      expect(await source.heard("failed")).toMatchObject({ code: "device" });
      const error = await on.failure();
      expect(error.message).toContain("no space left");
      expect(under).toBe(0);
      expect(on.steps.at(-1)).toBe("close touched");
    }
  });

  test("by a switchover that nobody is ready for", async () => {
    const on = createSessionUnderTest({ ready: () => Promise.reject(new Error("the address is taken")) });
    const source = await on.connect();
    source.say({ say: "prepare", attempt: 1 });
    expect(await source.heard("failed")).toMatchObject({ code: "refused" });
    expect((await on.failure()).message).toContain("the address is taken");
  });
});

describe("a silent wire", () => {
  test("is cut after thirty seconds, and pinged before", async () => {
    const time = createStandingClock();
    const on = createSessionUnderTest({ clock: time.clock });
    const source = await on.connect();
    await turns();
    await time.advance(10_000);
    await source.next("ping");
    await time.advance(10_000);
    await time.advance(10_000);
    expect(await source.taking).toEqual({ how: "cut", why: "the source was silent for 30 s" });
    expect(await on.isOver()).toBe(false);
  });

  test("is not silent while the source answers, or while it is our disk that is slow", async () => {
    const time = createStandingClock();
    const landed = createGate();
    const on = createSessionUnderTest({
      clock: time.clock,
      limits: { bufferedBytes: GRANULE },
      before: (device) => ({
        ...device,
        write: async (offset, data) => {
          await landed.passed;
          await device.write(offset, data);
        },
      }),
    });
    const source = await on.connect();
    source.put(encodeSessionPing(4));
    expect((await source.next("pong")).value).toBe(4);
    await time.advance(20_000);
    source.put(piece(0, 1));
    source.put(piece(1, 1)); // waits for the only buffer
    await turns(60);
    await time.advance(60_000);
    landed.pass();
    await source.acked(2);
    expect(on.session.progress().disks[0]!.dataBytes).toBe(2 * GRANULE);
    expect(on.events.some(({ type }) => type === "cut")).toBe(false);
  });

  test("that takes nothing is cut as well", async () => {
    const time = createStandingClock();
    const on = createSessionUnderTest({ clock: time.clock });
    const source = createHandDrivenSource();
    const taking = on.session.take({ read: source.wire.read, send: () => new Promise<void>(() => {}) });
    source.open();
    source.say(on.hello);
    await turns();
    await time.advance(30_000);
    expect(await taking).toMatchObject({ how: "cut", why: "the source took nothing for 30 s" });
  });
});

test("events: offered, connected, progress at most ten a second, decided", async () => {
  const time = createStandingClock();
  const on = createSessionUnderTest({ clock: time.clock });
  const source = await on.connect();
  for (let at = 0; at < 8; at++) source.put(piece(at, 1));
  await source.acked(8);
  const types = on.events.map(({ type }) => type);
  expect(types).toEqual(["offered", "connected", "progress"]);
  await time.advance(100);
  source.put(encodeHole({ disk: 0, offset: 8 * GRANULE, length: 4 * MiB - 8 * GRANULE }));
  source.say({ say: "seal", attempt: 1, frames: 9, verified: false });
  await source.heard("sealed");
  const last = on.events.findLast((event) => event.type === "progress");
  expect(last?.progress).toMatchObject({
    total: 4 * MiB,
    covered: 4 * MiB,
    disks: [{ name: "vda", dataBytes: 8 * GRANULE, zeroBytes: 4 * MiB - 8 * GRANULE, equalBytes: 0 }],
  });
  expect(on.events.at(-1)).toEqual({ type: "sealed", attempt: 1 });
  expect(on.session.progress().transferred).toBeGreaterThan(8 * GRANULE);
  expect((await on.content(8 * GRANULE, KiB))[0]).not.toBe(GARBAGE);
});

/** A message that no encoder of ours would send. */
function messageOf(message: object): Uint8Array[] {
  const text = Buffer.from(JSON.stringify(message));
  return [headerOf(text), text];
}

function headerOf(payload: Uint8Array): Uint8Array {
  const header = Buffer.alloc(32);
  header.writeUInt8(6, 0);
  header.writeUInt32BE(payload.length, 4);
  header.writeUInt32BE(crc32(payload), 24);
  header.writeUInt32BE(crc32(header.subarray(0, 28)), 28);
  return header;
}
