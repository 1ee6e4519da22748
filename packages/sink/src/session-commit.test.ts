import { encodeData, encodeHole } from "@blkmig/protocol";
import { describe, expect, test } from "vitest";

import {
  type Connected,
  createGate,
  createSessionUnderTest,
  GRANULE,
  KiB,
  MiB,
} from "./session-under-test.test-kit.ts";

const SIZE = 4 * MiB;
const whole = { disk: 0, offset: 0, length: SIZE };

/** Sends all as one hole, and seals it. */
async function seal(source: Connected, attempt = 1): Promise<void> {
  source.put(encodeHole(whole));
  source.say({ say: "seal", attempt, frames: 1, verified: false });
  await source.heard("sealed");
}

describe("what is recorded, in its order", () => {
  test("INCOMPLETE before the first byte; data, flush, SEALED; withheld, COMMITTED", async () => {
    const steps: string[] = [];
    const on = createSessionUnderTest({
      targets: {
        keepWithheld: async () => void on.steps.push("keep"),
        releaseWithheld: async () => void on.steps.push("release"),
      },
    });
    const source = await on.connect();
    await seal(source);
    steps.push(...on.steps.splice(0));
    expect(steps).toEqual(["begin", "zero", "keep", "flush", "sealed 1"]);
    source.say({ say: "commit", attempt: 1 });
    await source.heard("committed");
    expect(on.steps.splice(0)).toEqual(["release", "committed 1"]);
    source.say({ say: "done", attempt: 1 });
    expect(await source.taking).toEqual({ how: "over" });
    expect(on.steps).toEqual(["done", "close touched"]);
  });

  test("nothing is written while INCOMPLETE is being recorded", async () => {
    const recorded = createGate();
    const on = createSessionUnderTest({ journal: { begin: async () => recorded.passed } });
    const source = await on.connect();
    source.put(encodeData({ disk: 0, offset: 0, length: 512 }, Buffer.alloc(512, 1)));
    source.put(encodeHole(whole));
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    expect(on.steps).toEqual([]);
    recorded.pass();
    await source.acked(2);
    expect(on.steps).toEqual(["write", "zero"]);
  });

  test("SEALED, COMMITTED and ABORTED are not said before they are recorded", async () => {
    for (const what of ["sealed", "committed", "aborted"] as const) {
      const recorded = createGate();
      const on = createSessionUnderTest({
        journal: { decide: async (state) => (state === what ? recorded.passed : undefined) },
      });
      const source = await on.connect();
      let said = false;
      const asked = async (): Promise<void> => {
        if (what === "sealed") return seal(source);
        if (what === "committed") await seal(source);
        source.say({ say: what === "committed" ? "commit" : "abort", attempt: 1 });
        await source.heard(what);
      };
      const answered = asked().then(() => {
        said = true;
      });
      for (let i = 0; i < 40; i++) await new Promise(setImmediate);
      expect(said, what).toBe(false);
      expect(on.session.state).toBe(what === "committed" ? "sealed" : "open");
      recorded.pass();
      await answered;
      expect(said).toBe(true);
    }
  });

  test("COMMITTED cannot be recorded: nothing is said, and it is in doubt", async () => {
    const on = createSessionUnderTest({
      journal: {
        decide: async (state) => {
          if (state === "committed") throw new Error("EIO");
        },
      },
    });
    const source = await on.connect();
    await seal(source);
    source.say({ say: "commit", attempt: 1 });
    expect(await source.taking).toEqual({ how: "over" });
    expect(await on.failure()).toMatchObject({ code: "in-doubt", touched: true });
    source.closeBack();
    expect((await source.rest()).filter(({ type }) => type === "message")).toEqual([]);
  });

  test("SEALED cannot be recorded: the source is told, and is free", async () => {
    const on = createSessionUnderTest({ journal: { decide: () => Promise.reject(new Error("EIO")) } });
    const source = await on.connect();
    source.put(encodeHole(whole));
    source.say({ say: "seal", attempt: 1, frames: 1, verified: false });
    expect(await source.heard("failed")).toMatchObject({ code: "journal" });
    expect((await on.failure()).code).toBe("journal");
  });

  test("DONE cannot be recorded: it is committed all the same", async () => {
    const on = createSessionUnderTest({ journal: { done: () => Promise.reject(new Error("EIO")) } });
    const source = await on.connect();
    await seal(source);
    source.say({ say: "commit", attempt: 1 });
    await source.heard("committed");
    source.say({ say: "done", attempt: 1 });
    expect(await on.session.ended).toMatchObject({ attempt: 1, told: true });
  });
});

describe("a source that closes behind its last word has said it", () => {
  test("DONE, while that is being recorded", async () => {
    const recorded = createGate();
    const on = createSessionUnderTest({ journal: { done: async () => recorded.passed } });
    const source = await on.connect();
    await seal(source);
    source.say({ say: "commit", attempt: 1 });
    await source.heard("committed");
    source.say({ say: "done", attempt: 1 });
    source.finish();
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    recorded.pass();
    expect(await source.taking).toEqual({ how: "over" });
    expect(await on.session.ended).toMatchObject({ told: true });
  });

  test("CANCEL, while the end of what was sealed is being recorded", async () => {
    const recorded = createGate();
    const on = createSessionUnderTest({
      journal: { decide: async (state) => (state === "aborted" ? recorded.passed : undefined) },
    });
    const source = await on.connect();
    await seal(source);
    source.say({ say: "cancel", message: "" });
    source.finish();
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    recorded.pass();
    expect((await on.failure()).code).toBe("cancelled-by-source");
  });
});

describe("a SEAL is granted only for what was proved", () => {
  const refused = async (say: (source: Connected) => void, options = {}, said = {}): Promise<string> => {
    const on = createSessionUnderTest(options);
    const source = await on.connect(said);
    say(source);
    expect(await source.heard("failed")).toMatchObject({ code: "incomplete" });
    expect(await source.taking).toEqual({ how: "over" });
    const error = await on.failure();
    expect(error.code).toBe("incomplete");
    expect(on.steps.some((step) => step.startsWith("sealed"))).toBe(false);
    return error.message;
  };

  test("a frame that did not come", async () => {
    const message = await refused((source) => {
      source.put(encodeHole(whole));
      source.say({ say: "seal", attempt: 1, frames: 2, verified: false });
    });
    expect(message).toBe("the source says that it sent 2 frames, and 1 came");
  });

  test("a granule that is not covered, or only in parts", async () => {
    const message = await refused((source) => {
      source.put(encodeHole({ disk: 0, offset: 1, length: SIZE - GRANULE - 1 }));
      source.put(encodeHole({ disk: 0, offset: SIZE - GRANULE, length: GRANULE - 1 }));
      source.say({ say: "seal", attempt: 1, frames: 2, verified: false });
    });
    expect(message).toBe(
      "the source says that all was sent, but it was not; missing: 'vda' 2 of 64 granules of 65536 bytes, the first at 0",
    );
  });

  test("a claim to be verified that our own reading back does not bear", async () => {
    const message = await refused((source) => {
      source.put(encodeHole(whole));
      source.say({ say: "seal", attempt: 1, frames: 1, verified: true });
    });
    expect(message).toContain("'vda' is not");
  });

  test("incremental sources leave out what they like, and then nothing at all is right too", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect({ incremental: true });
    source.say({ say: "seal", attempt: 1, frames: 0, verified: false });
    await source.heard("sealed");
    expect(on.steps).toEqual(["begin", "flush", "sealed 1"]);
  });

  test("what is still landing is waited for", async () => {
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
    const source = await on.connect();
    source.put(encodeHole({ disk: 0, offset: MiB, length: 3 * MiB }));
    source.put(encodeData({ disk: 0, offset: 0, length: MiB }, Buffer.alloc(MiB, 1)));
    source.say({ say: "seal", attempt: 1, frames: 2, verified: false });
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    expect(on.session.state).toBe("open");
    landed.pass();
    await source.heard("sealed");
  });
});

describe("between SEALED and the decision", () => {
  test("what comes while SEALED is being recorded is not landed either", async () => {
    const recorded = createGate();
    const on = createSessionUnderTest({ journal: { decide: async () => recorded.passed } });
    const source = await on.connect();
    source.put(encodeHole(whole));
    source.say({ say: "seal", attempt: 1, frames: 1, verified: false });
    source.put(encodeData({ disk: 0, offset: 0, length: 512 }, Buffer.alloc(512, 1)));
    for (let i = 0; i < 40; i++) await new Promise(setImmediate);
    expect(on.steps).toEqual(["begin", "zero", "flush"]);
    recorded.pass();
    expect(await source.taking).toMatchObject({ how: "cut" });
    expect((await on.content()).every((byte) => byte === 0)).toBe(true);
    expect(on.session.state).toBe("sealed");
  });

  test("data, holes, hashes and flushes are no longer taken", async () => {
    for (const send of [
      (source: Connected) => source.put(encodeHole({ disk: 0, offset: 0, length: 512 })),
      (source: Connected) => source.put(encodeData({ disk: 0, offset: 0, length: 512 }, Buffer.alloc(512, 1))),
      (source: Connected) => source.say({ say: "flush", serial: 1 }),
      (source: Connected) => source.say({ say: "seal", attempt: 2, frames: 1, verified: false }),
    ]) {
      const on = createSessionUnderTest();
      const source = await on.connect();
      await seal(source);
      send(source);
      expect(await source.taking).toMatchObject({ how: "cut" });
      expect(on.session.state).toBe("sealed");
      expect((await on.content()).every((byte) => byte === 0)).toBe(true);
    }
  });

  test("ABORT is recorded, then said; data comes again, and the next attempt is granted", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect();
    await seal(source);
    source.say({ say: "abort", attempt: 1 });
    await source.heard("aborted");
    expect(on.session.state).toBe("open");
    source.say({ say: "abort", attempt: 1 });
    await source.heard("aborted");
    expect(on.steps.filter((step) => step.startsWith("aborted"))).toEqual(["aborted 1"]);
    source.put(encodeData({ disk: 0, offset: 0, length: 512 }, Buffer.alloc(512, 7)));
    source.say({ say: "seal", attempt: 2, frames: 2, verified: false });
    await source.heard("sealed");
    source.say({ say: "commit", attempt: 2 });
    expect(await source.heard("committed")).toEqual({ say: "committed", attempt: 2 });
    expect((await on.content(0, 512)).every((byte) => byte === 7)).toBe(true);
  });

  test("a sealed attempt that was aborted is not sealed again", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect();
    await seal(source);
    source.say({ say: "abort", attempt: 1 });
    await source.heard("aborted");
    source.say({ say: "seal", attempt: 1, frames: 1, verified: false });
    expect(await source.taking).toMatchObject({ how: "cut" });
  });

  test("CANCEL is an abort that is recorded, and then the end", async () => {
    const on = createSessionUnderTest();
    const source = await on.connect();
    await seal(source);
    source.say({ say: "cancel", message: "the operator" });
    expect(await source.taking).toEqual({ how: "over" });
    expect(await on.failure()).toMatchObject({
      code: "cancelled-by-source",
      message: "the source gave up: the operator",
    });
    expect(on.steps.slice(-2)).toEqual(["aborted 1", "close touched"]);
  });

  test("nobody else decides: giving up, or a signal, leaves it in doubt, and says nothing", async () => {
    for (const how of ["giveUp", "signal"] as const) {
      const controller = new AbortController();
      const on = createSessionUnderTest({ signal: controller.signal });
      const source = await on.connect();
      await seal(source);
      if (how === "signal") controller.abort();
      else await on.session.giveUp("no source came back");
      expect(await on.failure()).toMatchObject({ code: "in-doubt" });
      expect(await source.taking).toEqual({ how: "over" });
      source.closeBack();
      expect((await source.rest()).filter(({ type }) => type === "message")).toEqual([]);
      expect(on.steps.at(-1)).toBe("close touched");
    }
  });
});

describe("once it is committed", () => {
  const committed = async (options = {}) => {
    const on = createSessionUnderTest({ ready: async () => ({ serve: "nbd://here" }), ...options });
    const source = await on.connect();
    source.say({ say: "prepare", attempt: 1 });
    expect(await source.heard("ready")).toEqual({ say: "ready", attempt: 1, serve: "nbd://here" });
    await seal(source);
    source.say({ say: "commit", attempt: 1 });
    expect(await source.heard("committed")).toEqual({ say: "committed", attempt: 1, serve: "nbd://here" });
    return { on, source };
  };

  test("the answer is lost: another connection asks, is told, and says DONE", async () => {
    const { on, source } = await committed();
    source.cut();
    expect(await source.taking).toMatchObject({ how: "cut" });
    const again = on.greet();
    expect(await again.heard("welcome")).toMatchObject({ epoch: 2, state: "committed", attempt: 1 });
    again.say({ say: "outcome", attempt: 1 });
    expect(await again.heard("state")).toEqual({ say: "state", attempt: 1, state: "committed" });
    again.say({ say: "commit", attempt: 1 });
    expect(await again.heard("committed")).toEqual({ say: "committed", attempt: 1, serve: "nbd://here" });
    again.say({ say: "abort", attempt: 1 });
    expect(await again.heard("committed")).toMatchObject({ attempt: 1 });
    again.say({ say: "done", attempt: 1 });
    expect(await on.session.ended).toMatchObject({ told: true, covered: SIZE });
    expect(on.steps.filter((step) => step === "committed 1")).toHaveLength(1);
  });

  test("giving up is well, and says that the source does not know", async () => {
    const { on, source } = await committed();
    source.cut();
    await source.taking;
    await on.session.giveUp("nobody came");
    expect(await on.session.ended).toMatchObject({ told: false, attempt: 1 });
    expect(on.steps).not.toContain("done");
  });

  test("a signal cancels nothing any more", async () => {
    const controller = new AbortController();
    const { on, source } = await committed({ signal: controller.signal });
    controller.abort();
    source.say({ say: "done", attempt: 1 });
    expect(await on.session.ended).toMatchObject({ told: true });
  });
});

describe("what an earlier run of this program recorded", () => {
  const found = (state: "sealed" | "committed" | "aborted" | "open", attempt: number) =>
    createSessionUnderTest({ targets: { found: { state, attempt, held: [[{ offset: 0, length: 3 * KiB }]] } } });

  test("sealed: it is told and can be aborted, but not committed by us", async () => {
    const on = found("sealed", 3);
    const source = on.greet({ resume: true });
    expect(await source.heard("welcome")).toMatchObject({ state: "sealed", attempt: 3 });
    source.say({ say: "outcome", attempt: 3 });
    expect(await source.heard("state")).toMatchObject({ state: "sealed" });
    source.say({ say: "commit", attempt: 3 });
    expect(await source.heard("refused")).toMatchObject({ code: "sealed-before" });
    expect(await source.taking).toMatchObject({ how: "cut" });
    const again = await on.connect();
    again.say({ say: "abort", attempt: 3 });
    await again.heard("aborted");
    expect(on.steps).toEqual(["aborted 3"]);
    again.put(encodeHole(whole));
    again.say({ say: "seal", attempt: 4, frames: 1, verified: false });
    await again.heard("sealed");
    again.say({ say: "commit", attempt: 4 });
    await again.heard("committed");
    expect(on.steps[1]).toBe("begin");
  });

  test("committed: it is told, and takes DONE", async () => {
    const on = found("committed", 3);
    const source = await on.connect();
    source.say({ say: "outcome", attempt: 3 });
    expect(await source.heard("state")).toMatchObject({ state: "committed" });
    source.say({ say: "done", attempt: 3 });
    expect(await on.session.ended).toMatchObject({ attempt: 3, told: true });
    expect(on.steps).toEqual(["done", "close untouched"]);
  });

  test("aborted, or nothing of that attempt: that is known, and said", async () => {
    const on = found("aborted", 3);
    const source = await on.connect();
    source.say({ say: "outcome", attempt: 3 });
    expect(await source.heard("state")).toMatchObject({ state: "aborted" });
    source.say({ say: "outcome", attempt: 4 });
    expect(await source.heard("state")).toMatchObject({ state: "open" });
  });
});
