import { type BlockDevice, createMemoryDevice } from "@blkmig/device";
import { encodeData, encodeHash, encodeHole, HAND_OVER } from "@blkmig/protocol";
import { describe, expect, test } from "vitest";

import {
  type Connected,
  createGate,
  createSessionUnderTest,
  GARBAGE,
  type HelloMessage,
  KiB,
  MiB,
  type UnderTestOptions,
} from "./session-under-test.test-kit.ts";
import { withholdFirstBlock } from "./withhold-first-block.ts";

const SIZE = 4 * MiB;
const whole = { disk: 0, offset: 0, length: SIZE };
const sector = { disk: 0, offset: 0, length: 512 };
const SEALING = ["begin", "zero", "keep", "flush", "release", "sealed 1", "hand over"] as const;

/** Sends all as one hole, and asks for SEALED. */
function askToSeal(source: Connected, attempt = 1): void {
  source.put(encodeHole(whole));
  source.say({ say: "seal", attempt, frames: 1, verified: false });
}

/** Every request of a device is noted once it was handed over, and fails. */
function closedBy(device: BlockDevice, isClosed: () => boolean, late: string[]): BlockDevice {
  const open = (what: string): void => {
    if (!isClosed()) return;
    late.push(what);
    throw new Error(`EBADF: ${what}`);
  };
  return {
    ...device,
    async read(...asked) {
      open("read");
      return device.read(...asked);
    },
    async write(...asked) {
      open("write");
      return device.write(...asked);
    },
    async zero(...asked) {
      open("zero");
      return device.zero(...asked);
    },
    extents(...asked) {
      open("extents");
      return device.extents(...asked);
    },
    async flush() {
      open("flush");
      return device.flush();
    },
  };
}

/** A session whose targets can be handed over; `late` is what was asked of them afterwards. */
function createHandingOver({ targets, ...options }: UnderTestOptions = {}) {
  const late: string[] = [];
  let isClosed = false;
  const on = createSessionUnderTest({
    ...options,
    before: (device) => closedBy(device, () => isClosed, late),
    targets: {
      keepWithheld: async () => void on.steps.push("keep"),
      releaseWithheld: async () => void on.steps.push("release"),
      async handOver() {
        on.steps.push("hand over");
        isClosed = true;
      },
      ...targets,
    },
  });
  const connect = async (said: Partial<HelloMessage> = {}): Promise<Connected> =>
    on.connect({ features: [HAND_OVER], ...said });
  return {
    ...on,
    late,
    connect,
    /** A connection to which SEALED was said. */
    async seal(): Promise<Connected> {
      const source = await connect();
      askToSeal(source);
      await source.heard("sealed");
      return source;
    },
  };
}

describe("who agrees on it", () => {
  const agreed = async (said: Partial<HelloMessage>, options: UnderTestOptions): Promise<readonly string[]> => {
    const source = createSessionUnderTest(options).greet(said);
    return (await source.heard("welcome")).features;
  };
  const can = { targets: { handOver: async () => {} } };

  test("a source that offers it, and targets that can be handed over", async () => {
    expect(await agreed({ features: ["time-travel", HAND_OVER] }, can)).toEqual([HAND_OVER]);
    expect(await agreed({ features: ["time-travel"] }, can)).toEqual([]);
    expect(await agreed({ features: [HAND_OVER] }, {})).toEqual([]);
  });

  test("whoever opens the targets is told", async () => {
    for (const features of [[HAND_OVER], []]) {
      const on = createSessionUnderTest();
      await on.connect({ features });
      expect(on.events[0]).toMatchObject({ type: "offered", offer: { handOver: features.length === 1 } });
    }
  });

  test("a connection that does not keeps the targets, and so does one whose migration began without it", async () => {
    for (const [first, second] of [
      [[HAND_OVER], []],
      [[], [HAND_OVER]],
    ]) {
      const on = createHandingOver();
      (await on.connect({ features: first! })).cut();
      const again = on.greet({ features: second! });
      expect(await again.heard("welcome")).toMatchObject({ features: [] });
      askToSeal(again);
      await again.heard("sealed");
      expect(on.steps).toEqual(["begin", "zero", "keep", "flush", "sealed 1"]);
    }
  });
});

describe("SEALED is said when somebody else may have the targets", () => {
  test("flushed, released, recorded, closed, in this order; and COMMIT only records", async () => {
    const on = createHandingOver();
    const source = await on.seal();
    expect(on.steps.splice(0)).toEqual(SEALING);
    source.say({ say: "commit", attempt: 1 });
    await source.heard("committed");
    expect(on.steps.splice(0)).toEqual(["committed 1"]);
    source.say({ say: "done", attempt: 1 });
    expect(await on.session.ended).toMatchObject({ attempt: 1, told: true, covered: SIZE });
    expect(on.steps).toEqual(["done", "close touched"]);
    expect(on.late).toEqual([]);
  });

  test.each([
    ["what is withheld is on its disk", "release", (wait: Wait) => ({ targets: { releaseWithheld: wait } })],
    ["it is recorded", "sealed 1", (wait: Wait) => ({ journal: { decide: wait } })],
    ["they are closed", "hand over", (wait: Wait) => ({ targets: { handOver: wait } })],
  ] as const)("not before %s", async (_what, step, optionsOf) => {
    const gate = createGate();
    const on = createHandingOver(
      optionsOf(async () => {
        await gate.passed;
        on.steps.push(step);
      }),
    );
    const source = await on.connect();
    let isSaid = false;
    askToSeal(source);
    const sealed = source.heard("sealed").then(() => {
      isSaid = true;
    });
    for (let i = 0; i < 40; i++) await new Promise(setImmediate);
    expect(on.steps).toEqual(SEALING.slice(0, SEALING.indexOf(step)));
    expect(isSaid).toBe(false);
    gate.pass();
    await sealed;
    expect(on.steps).toEqual(SEALING);
  });

  test("a first block that was withheld is on the disk, and durable", async () => {
    const steps: string[] = [];
    const disk = createMemoryDevice({ name: "vda", size: SIZE, fill: GARBAGE });
    const first = async (): Promise<number> => {
      const bytes = Buffer.alloc(1);
      await disk.read(0, bytes);
      return bytes[0]!;
    };
    const flush = async (): Promise<void> => void steps.push(`flushed ${await first()}`);
    const withheld = withholdFirstBlock({ ...disk, flush }, { save: async () => {} });
    const on = createHandingOver({
      targets: {
        devices: [withheld.device],
        keepWithheld: async () => withheld.keep(),
        releaseWithheld: async () => withheld.release(),
        handOver: async () => void steps.push("hand over"),
      },
    });
    const source = await on.connect();
    source.put(encodeHole(whole));
    await source.acked(1);
    source.put(encodeData(sector, Buffer.alloc(512, 7)));
    source.say({ say: "seal", attempt: 1, frames: 2, verified: false });
    await source.heard("sealed");
    expect(steps.slice(-2)).toEqual(["flushed 7", "hand over"]);
  });
});

type Wait = () => Promise<void>;

describe("once they are handed over", () => {
  test.each([
    ["DATA", (source: Connected) => source.put(encodeData(sector, Buffer.alloc(512, 1)))],
    ["HOLE", (source: Connected) => source.put(encodeHole(sector))],
    ["HASH", (source: Connected) => source.put(encodeHash(sector, "zero"))],
    ["FLUSH", (source: Connected) => source.say({ say: "flush", serial: 1 })],
    ["PREPARE", (source: Connected) => source.say({ say: "prepare", attempt: 2 })],
    ["SEAL", (source: Connected) => source.say({ say: "seal", attempt: 2, frames: 1, verified: false })],
  ])("%s is refused, and asks nothing of a target", async (_what, say) => {
    const on = createHandingOver();
    const source = await on.seal();
    say(source);
    expect(await source.taking).toMatchObject({ how: "cut", why: expect.stringContaining("attempt 1 is sealed") });
    expect(on.session.state).toBe("sealed");
    expect(on.late).toEqual([]);
  });

  test("ABORT is recorded, then said, and is the end: they are not taken back", async () => {
    const on = createHandingOver();
    const source = await on.seal();
    source.say({ say: "abort", attempt: 1 });
    source.put(encodeData(sector, Buffer.alloc(512, 1))); // from a source that takes it for another attempt
    source.say({ say: "flush", serial: 1 });
    expect(await source.heard("aborted")).toMatchObject({ attempt: 1 });
    expect(await source.heard("failed")).toMatchObject({ code: "incomplete" });
    expect(await source.taking).toEqual({ how: "over" });
    expect(await on.failure()).toMatchObject({
      code: "incomplete",
      message: "the source aborted attempt 1, and its targets had been handed over",
      touched: true,
    });
    expect(on.steps.slice(SEALING.length)).toEqual(["aborted 1", "close touched"]);
    expect(on.late).toEqual([]);
    expect(await on.greet({ features: [HAND_OVER] }).heard("refused")).toMatchObject({ code: "over" });
  });

  test("ABORTED that nobody hears any more is recorded, and the end, all the same", async () => {
    const recorded = createGate();
    const on = createHandingOver({
      journal: { decide: async (state) => (state === "aborted" ? recorded.passed : undefined) },
    });
    const source = await on.seal();
    source.say({ say: "abort", attempt: 1 });
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    source.wire.destroy();
    expect(await on.isOver()).toBe(false);
    recorded.pass();
    expect((await on.failure()).code).toBe("incomplete");
    expect(on.late).toEqual([]);
  });

  test("CANCEL is an abort that is recorded, and the end", async () => {
    const on = createHandingOver();
    const source = await on.seal();
    source.say({ say: "cancel", message: "the machine did not come" });
    expect((await on.failure()).code).toBe("cancelled-by-source");
    expect(on.steps.slice(SEALING.length)).toEqual(["aborted 1", "close touched"]);
    expect(on.late).toEqual([]);
  });

  test("nobody else decides: giving up, or a signal, leaves it in doubt", async () => {
    for (const how of ["giveUp", "signal"] as const) {
      const controller = new AbortController();
      const on = createHandingOver({ signal: controller.signal });
      await on.seal();
      if (how === "signal") controller.abort();
      else await on.session.giveUp("no source came back");
      expect(await on.failure()).toMatchObject({ code: "in-doubt" });
      expect(on.steps.slice(SEALING.length)).toEqual(["close touched"]);
    }
  });

  test.each([
    ["agrees on it too", { features: [HAND_OVER] }],
    ["does not speak of it", { features: [] }],
    ["is another run's", { features: [], source: "s-2", resume: true }],
  ])("it is cut: a connection that %s asks, and says COMMIT again", async (_what, said) => {
    const on = createHandingOver();
    const source = await on.seal();
    source.cut();
    expect(await source.taking).toMatchObject({ how: "cut" });
    const again = on.greet(said);
    expect(await again.heard("welcome")).toMatchObject({ epoch: 2, state: "sealed", attempt: 1 });
    again.say({ say: "outcome", attempt: 1 });
    expect(await again.heard("state")).toMatchObject({ state: "sealed" });
    again.say({ say: "commit", attempt: 1 });
    await again.heard("committed");
    again.say({ say: "done", attempt: 1 });
    expect(await on.session.ended).toMatchObject({ told: true });
    expect(on.steps.slice(SEALING.length)).toEqual(["committed 1", "done", "close touched"]);
    expect(on.late).toEqual([]);
  });

  test("cut while they are being closed: nobody is welcomed before they are", async () => {
    const closed = createGate();
    const on = createHandingOver({ targets: { handOver: async () => closed.passed } });
    const source = await on.connect();
    askToSeal(source);
    for (let i = 0; i < 40; i++) await new Promise(setImmediate);
    source.wire.destroy();
    const again = on.greet({ features: [HAND_OVER] });
    for (let i = 0; i < 40; i++) await new Promise(setImmediate);
    expect(again.bytesHeard()).toBe(0);
    closed.pass();
    expect(await again.heard("welcome")).toMatchObject({ state: "sealed", attempt: 1, features: [HAND_OVER] });
  });
});

describe("targets that cannot be closed", () => {
  const broken = { handOver: () => Promise.reject(new Error("EIO")) };

  test("are no longer sealed: that is recorded, the source is told, and is free", async () => {
    const on = createHandingOver({ targets: broken });
    const source = await on.connect();
    askToSeal(source);
    expect(await source.heard("failed")).toMatchObject({
      code: "device",
      message: "a target could not be closed: EIO",
    });
    expect((await on.failure()).code).toBe("device");
    expect(on.steps.slice(-3)).toEqual(["sealed 1", "aborted 1", "close touched"]);
  });

  test("and no record of that: it is in doubt, and nothing is said", async () => {
    const decide = async (state: string): Promise<void> => {
      if (state === "aborted") throw new Error("EROFS");
    };
    const on = createHandingOver({ targets: broken, journal: { decide } });
    const source = await on.connect();
    askToSeal(source);
    expect((await on.failure()).code).toBe("in-doubt");
    source.closeBack();
    expect((await source.rest()).filter(({ type }) => type === "message")).toEqual([]);
  });
});

test("sealed by a run that has ended: its targets are this run's, to be aborted, written, and handed over by it", async () => {
  const found = { state: "sealed", attempt: 1, held: [[{ offset: 0, length: 3 * KiB }]] } as const;
  const on = createHandingOver({ targets: { found } });
  const source = on.greet({ features: [HAND_OVER], resume: true });
  expect(await source.heard("welcome")).toMatchObject({ state: "sealed", attempt: 1, features: [HAND_OVER] });
  source.say({ say: "commit", attempt: 1 });
  expect(await source.heard("refused")).toMatchObject({ code: "sealed-before" });
  const again = await on.connect({ resume: true });
  again.say({ say: "abort", attempt: 1 });
  await again.heard("aborted");
  expect(on.steps.splice(0)).toEqual(["aborted 1"]);
  askToSeal(again, 2);
  await again.heard("sealed");
  expect(on.steps).toEqual(["begin", "zero", "keep", "flush", "release", "sealed 2", "hand over"]);
});
