import { type BlockDevice, createMemoryDevice, type Guest, type Tracker, trackWrites } from "@blkmig/device";
import { encodeShut } from "@blkmig/protocol";
import { naiveDecode, type NaiveFrame, recordingWire } from "@blkmig/testkit";
import { describe, expect, test } from "vitest";

import { classicFormat } from "./classic-format.ts";
import type { Clock } from "./clock.ts";
import { MigrationError } from "./migration-error.ts";
import type { MigrationOptions, SourceWire } from "./migration-options.ts";
import { createMigration, migrate } from "./migration.ts";

const MiB = 1024 * 1024;

/** A wire that nobody answers, as a file is. */
const oneWay = (hold?: (bytes: number) => Promise<void>) => {
  const wire = recordingWire(hold ? { hold } : {});
  const { send, finish, destroy, sent } = wire;
  return { send, finish, destroy, sent, isFinished: () => wire.finished };
};

const framesOf = (wire: { sent(): Uint8Array }): NaiveFrame[] => {
  const { frames, error } = naiveDecode(wire.sent());
  expect(error).toBeUndefined();
  return frames;
};

/** Frames as short words: `block vda 0`, `42%`, `eos`. */
const words = (frames: readonly NaiveFrame[]): string[] =>
  frames.map((frame) => {
    if (frame.type === "eos") return "eos";
    if (frame.type === "progress") return `${frame.percent}%`;
    return `${frame.type} ${frame.device} ${frame.offset / MiB}`;
  });

const disk = async (
  name: string,
  size: number,
  ...filled: number[]
): Promise<{ name: string; device: BlockDevice }> => {
  const device = createMemoryDevice({ name, size });
  for (const block of filled)
    await device.write(block * MiB, [Buffer.alloc(Math.min(MiB, size - block * MiB), block + 1)]);
  return { name, device };
};

const failure = async (promise: Promise<unknown>): Promise<MigrationError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof MigrationError)) throw new Error(`no MigrationError: ${String(error)}`);
  return error;
};

describe("what is sent", () => {
  test("blocks, zeroes and progress as the classic sender makes them; 100 only from complete, before the last end", async () => {
    const wire = oneWay();
    const { proved, statistics } = await migrate({ disks: [await disk("vda", 4 * MiB, 0, 3)], wire });
    const sent = words(framesOf(wire));
    // Blocks leave in the order in which their reads end; the percentage stands before the data it speaks of.
    expect(sent.toSorted()).toEqual(
      [
        "eos",
        "0%",
        "block vda 0",
        "25%",
        "zero vda 1",
        "50%",
        "zero vda 2",
        "75%",
        "block vda 3",
        "eos",
        "100%",
        "eos",
      ].toSorted(),
    );
    expect(sent.slice(0, 2)).toEqual(["eos", "0%"]);
    for (const block of [0, 1, 2, 3]) {
      expect(sent.indexOf(`${block * 25}%`)).toBeLessThan(sent.findIndex((word) => word.endsWith(`vda ${block}`)));
    }
    expect(sent.slice(-3)).toEqual(["eos", "100%", "eos"]);
    expect(proved).toBe(false);
    expect(wire.isFinished()).toBe(true);
    expect(statistics).toMatchObject({
      status: "completed",
      phase: "switchover",
      transferred: wire.sent().length,
      remaining: 0,
      total: 4 * MiB,
      disks: [{ name: "vda", dataBytes: 2 * MiB, zeroBytes: 2 * MiB, remaining: 0 }],
    });
  });

  test("a migration of no disks is valid and empty", async () => {
    const wire = oneWay();
    await migrate({ disks: [], wire });
    expect(words(framesOf(wire))).toEqual(["eos", "100%", "eos"]);
  });

  test("what lies behind a short last block never leaves: the padding is zero, and no zero test sees it", async () => {
    const wire = oneWay();
    const odd = await disk("vda", 2 * MiB + 1536, 0, 1, 2);
    await migrate({ disks: [odd], wire, limits: { bufferedBytes: MiB } }); // one buffer, which held other blocks before
    const last = framesOf(wire).findLast((frame) => frame.type === "block");
    expect(last).toMatchObject({ offset: 2 * MiB });
    const data = last?.type === "block" ? last.data : new Uint8Array();
    expect([...data.subarray(0, 1536)].every((byte) => byte === 3)).toBe(true);
    expect([...data.subarray(1536)].every((byte) => byte === 0)).toBe(true);
  });

  test("a zero tail is a zero block, whatever the buffer held before", async () => {
    const wire = oneWay();
    const tail = await disk("vda", MiB + 512, 0);
    await tail.device.zero(MiB, 512, { unmap: false });
    await migrate({ disks: [tail], wire, limits: { bufferedBytes: MiB } });
    expect(words(framesOf(wire))).toContain("zero vda 1");
  });

  test.each([
    ["1.0", classicFormat({ generation: "1.0" })],
    ["zero blocks off", classicFormat({ zeroBlocks: false })],
  ])("%s sends zeroes as data", async (_, format) => {
    const wire = oneWay();
    await migrate({ disks: [await disk("vda", 3 * MiB, 1)], wire, format });
    expect(naiveDecode(wire.sent(), "1.0").frames.filter(({ type }) => type === "block")).toHaveLength(3);
  });

  test("incremental leaves out what is not allocated above the base", async () => {
    const wire = oneWay();
    const { statistics } = await migrate({ disks: [await disk("vda", 4 * MiB, 1)], wire, incremental: true });
    expect(words(framesOf(wire)).filter((word) => word.includes("vda"))).toEqual(["block vda 1"]);
    expect(statistics.disks[0]).toMatchObject({ dataBytes: MiB, zeroBytes: 0, skippedBytes: 3 * MiB });
  });

  test("empty and read-only disks are left out with a warning, unless asked for", async () => {
    const disks = [
      { name: "empty", device: createMemoryDevice({ size: 0 }) },
      { name: "rom", device: createMemoryDevice({ size: MiB, readOnly: true }) },
    ];
    const warnings: string[] = [];
    const onEvent: MigrationOptions["onEvent"] = (event) => {
      if (event.type === "warning") warnings.push(event.message);
    };
    const [without, included] = [oneWay(), oneWay()];
    await migrate({ disks, wire: without, onEvent });
    expect(warnings).toEqual(["disk 'empty' is empty and is left out", "disk 'rom' is read-only and is left out"]);
    expect(words(framesOf(without))).toEqual(["eos", "100%", "eos"]);
    await migrate({ disks, wire: included, includeReadOnly: true });
    expect(words(framesOf(included))).toContain("zero rom 0");
  });

  test("a size that is no whole number of sectors and a name twice are refused before anything is sent", async () => {
    const odd = { name: "a", device: createMemoryDevice({ size: 700 }) };
    const wire = oneWay();
    expect((await failure(migrate({ disks: [odd], wire }))).message).toContain("no multiple of 512");
    const twice = [await disk("a", MiB), await disk("a", MiB)];
    expect((await failure(migrate({ disks: twice, wire }))).message).toBe("two disks are called 'a'");
    expect(wire.sent()).toHaveLength(0);
  });
});

test("a name that the wire cannot carry is the caller's mistake, and said at once", () => {
  const device = createMemoryDevice({ size: MiB });
  expect(() => createMigration({ disks: [{ name: "", device }], wire: oneWay() })).toThrow(RangeError);
  expect(() => createMigration({ disks: [{ name: "é".repeat(128), device }], wire: oneWay() })).toThrow(RangeError);
});

describe("limits", () => {
  test("reads in flight and buffered bytes are two limits, and both are kept", async () => {
    const { device } = await disk("vda", 40 * MiB, ...Array.from({ length: 40 }, (_, block) => block));
    let reading = 0;
    let mostReading = 0;
    const counted: BlockDevice = {
      ...device,
      extents: (offset, length) => device.extents(offset, length),
      async read(offset, into) {
        mostReading = Math.max(mostReading, ++reading);
        await new Promise(setImmediate);
        await device.read(offset, into);
        reading--;
      },
    };
    let held = 0;
    let mostHeld = 0;
    const wire = oneWay(async (bytes) => {
      if (bytes < MiB) return;
      mostHeld = Math.max(mostHeld, ++held);
      for (let i = 0; i < 200; i++) await new Promise(setImmediate);
      held--;
    });
    const disks = [{ name: "vda", device: counted }];
    await migrate({ disks, wire, limits: { reads: 3, bufferedBytes: 8 * MiB } });
    expect(mostReading).toBe(3);
    expect(mostHeld).toBeGreaterThan(3);
    expect(mostHeld).toBeLessThanOrEqual(8);
  });

  test("in a dirty phase the disks take turns", async () => {
    const disks = [await disk("a", 4 * MiB), await disk("b", 4 * MiB), await disk("c", 4 * MiB)];
    const tracked = disks.map(({ device }) => trackWrites(device, { granularity: 4096 }));
    const once = { length: 3 };
    let asked = 0;
    const tracker: Tracker = {
      start: async () => {},
      async sync() {
        const all = await Promise.all(tracked.map((each) => each.tracker.sync()));
        // The last one is asked with the guest paused: all the dirty blocks of this test are sent in complete().
        if (++asked === once.length) for (const { device } of disks) await device.write(0, [Buffer.alloc(3 * MiB, 9)]);
        return all.flat();
      },
      stop: async () => {},
    };
    for (const each of tracked) await each.tracker.start();
    const wire = oneWay();
    let wrote = false;
    const guest: Guest = {
      async pause() {
        wrote = true;
        for (const each of tracked) await each.guest.write(0, [Buffer.alloc(3 * MiB, 7)]);
      },
      resume: async () => {},
    };
    await migrate({ disks, tracker, guest, wire });
    expect(wrote).toBe(true);
    const sent = words(framesOf(wire)).filter((word) => word.startsWith("block"));
    const names = sent.slice(0, 9).map((word) => word.split(" ")[1]);
    expect(names.join("")).toBe("abcabcabc");
  });
});

describe("how it ends", () => {
  const answered = async (value: number, part: Partial<Extract<MigrationOptions, { wire: SourceWire }>> = {}) => {
    const wire = recordingWire();
    const paused: string[] = [];
    const guest: Guest = {
      pause: async () => void paused.push("pause"),
      resume: async () => void paused.push("resume"),
    };
    const running = migrate({ disks: [await disk("vda", MiB, 0)], wire, guest, ...part });
    const seen = running.then(
      () => undefined,
      () => undefined,
    );
    while (!wire.finished && !wire.destroyed) await new Promise(setImmediate);
    wire.reply(encodeShut(value)[0]!);
    await seen;
    return { running, paused, wire };
  };

  test("proved by SHUT 0; the guest stays paused", async () => {
    const { running, paused } = await answered(0);
    expect((await running).proved).toBe(true);
    expect((await running).statistics.downtime).toBeGreaterThanOrEqual(0);
    expect(paused).toEqual(["pause"]);
  });

  test("refused by SHUT 1; the guest runs again", async () => {
    const { running, paused } = await answered(1);
    expect(await failure(running)).toMatchObject({ code: "refused", guest: "running", phase: "switchover" });
    expect(paused).toEqual(["pause", "resume"]);
  });

  test("a receiver that closes after the last frame leaves it in doubt, and the guest paused", async () => {
    const wire = recordingWire();
    const paused: string[] = [];
    const guest: Guest = { pause: async () => void paused.push("p"), resume: async () => void paused.push("r") };
    const running = failure(migrate({ disks: [await disk("vda", MiB, 0)], wire, guest }));
    while (!wire.finished) await new Promise(setImmediate);
    wire.reply(new Uint8Array());
    expect(await running).toMatchObject({ code: "in-doubt", guest: "paused" });
    expect(paused).toEqual(["p"]);
  });

  test("interrupted while it waits for the answer, it is in doubt too", async () => {
    const wire = recordingWire();
    const controller = new AbortController();
    const running = failure(migrate({ disks: [await disk("vda", MiB, 0)], wire, signal: controller.signal }));
    while (!wire.finished) await new Promise(setImmediate);
    controller.abort();
    expect(await running).toMatchObject({ code: "in-doubt" });
  });

  test("a receiver that says no early ends it early, and so does one that closes its side", async () => {
    for (const [reply, code] of [
      [encodeShut(1)[0]!, "refused"],
      [new Uint8Array(), "wire"],
      [encodeShut(0)[0]!, "wire"],
    ] as const) {
      const wire = recordingWire({ hold: () => new Promise(() => {}) });
      const stuck: SourceWire = { ...wire, send: (data) => Promise.race([wire.send(data), whenDestroyed(wire)]) };
      wire.reply(reply);
      expect(await failure(migrate({ disks: [await disk("vda", MiB, 0)], wire: stuck }))).toMatchObject({
        code,
        phase: "bulk",
      });
      expect(wire.destroyed).toBe(true);
    }
  });

  test("a peer that takes nothing does not keep whoever cancels waiting, also where zeroes are sent", async () => {
    for (const block of [[0], []]) {
      const controller = new AbortController();
      const wire = recordingWire({ hold: () => new Promise(() => setImmediate(() => controller.abort())) });
      const stuck: SourceWire = { ...wire, send: (data) => Promise.race([wire.send(data), whenDestroyed(wire)]) };
      const disks = [await disk("vda", 2 * MiB, ...block)];
      const error = await failure(migrate({ disks, wire: stuck, signal: controller.signal }));
      expect(error).toMatchObject({ code: "cancelled", guest: "running" });
    }
  });

  test("interrupted while the last frames are stuck, it is in doubt", async () => {
    const controller = new AbortController();
    const wire = recordingWire({
      hold: (bytes) => (bytes === 16 ? new Promise(() => controller.abort()) : Promise.resolve()),
    });
    const stuck: SourceWire = { ...wire, send: (data) => Promise.race([wire.send(data), whenDestroyed(wire)]) };
    const error = await failure(migrate({ disks: [], wire: stuck, signal: controller.signal }));
    expect(error).toMatchObject({ code: "in-doubt", guest: "paused" });
  });

  test("a no that comes while the last frames are stuck is a no", async () => {
    const wire = recordingWire({
      hold: (bytes) => (bytes === 16 ? new Promise(() => wire.reply(encodeShut(1)[0]!)) : Promise.resolve()),
    });
    const stuck: SourceWire = { ...wire, send: (data) => Promise.race([wire.send(data), whenDestroyed(wire)]) };
    expect(await failure(migrate({ disks: [], wire: stuck }))).toMatchObject({ code: "refused", guest: "running" });
  });

  test("a slow rate does not keep whoever cancels, or a refusal, waiting", async () => {
    const wire = recordingWire();
    const sleeps: number[] = [];
    const clock: Clock = {
      now: () => 0,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          sleeps.push(ms);
          signal?.addEventListener("abort", () => resolve());
          wire.reply(encodeShut(1)[0]!);
        }),
    };
    const disks = [await disk("vda", 2 * MiB, 0, 1)];
    const error = await failure(migrate({ disks, wire, clock, maxBandwidth: 1024 }));
    expect(error).toMatchObject({ code: "refused" });
    expect(sleeps).toHaveLength(1);
  });

  test("cancelled: the wire is let go, tracking dropped, the guest never paused", async () => {
    const controller = new AbortController();
    const wire = recordingWire();
    let tracking = 0;
    const tracked = trackWrites((await disk("vda", MiB, 0)).device, { granularity: 512 });
    const tracker: Tracker = {
      start: async () => (tracking++, tracked.tracker.start()),
      sync: async () => (controller.abort(), tracked.tracker.sync()),
      stop: async () => (tracking--, tracked.tracker.stop()),
    };
    const disks = [{ name: "vda", device: tracked.disk }];
    const migration = createMigration({ disks, tracker, wire, signal: controller.signal, includeReadOnly: true });
    expect(await failure(migration.run())).toMatchObject({ code: "cancelled", guest: "running" });
    expect(tracking).toBe(0);
    expect(wire.destroyed).toBe(true);
    expect(migration.statistics().status).toBe("cancelled");
  });

  test("a guest that will not pause, and one that will not resume", async () => {
    const no = async (): Promise<void> => {
      throw new Error("its QMP is gone");
    };
    const stays: Guest = { pause: no, resume: async () => {} };
    const disks = [await disk("vda", MiB, 0)];
    const refused = await failure(migrate({ disks, wire: oneWay(), guest: stays }));
    expect(refused).toMatchObject({ code: "guest", guest: "running" });
    expect(refused.message).toContain("its QMP is gone");
    // It may have stopped all the same: nobody knows, if it cannot be told to go on either.
    const hangs: Guest = { pause: no, resume: no };
    expect(await failure(migrate({ disks, wire: oneWay(), guest: hangs }))).toMatchObject({
      code: "guest",
      guest: "lost",
    });
    const lost: Guest = { pause: async () => {}, resume: no };
    const confirm = no;
    expect(await failure(migrate({ disks, wire: oneWay(), guest: lost, confirm }))).toMatchObject({ guest: "lost" });
  });

  test("cancelled while the guest cannot come to rest: it is resumed", async () => {
    const controller = new AbortController();
    const steps: string[] = [];
    const guest: Guest = {
      pause: () => new Promise(() => controller.abort()),
      resume: async () => void steps.push("resume"),
    };
    const disks = [await disk("vda", MiB, 0)];
    const error = await failure(migrate({ disks, wire: oneWay(), guest, signal: controller.signal }));
    expect(error).toMatchObject({ code: "cancelled", guest: "running" });
    expect(steps).toEqual(["resume"]);
  });

  test("what may not be confirmed is not committed: the last frames are not sent", async () => {
    const wire = oneWay();
    const confirm = async (): Promise<void> => {
      throw new Error("disk 'vda' changed while it was sent");
    };
    const error = await failure(migrate({ disks: [await disk("vda", MiB, 0)], wire, confirm }));
    expect(error).toMatchObject({ code: "changed", message: "disk 'vda' changed while it was sent" });
    expect(words(framesOf(wire))).not.toContain("100%");
  });

  test("a tracker that cannot start fails the setup", async () => {
    const tracker: Tracker = {
      start: () => Promise.reject(new Error("no bitmap")),
      sync: async () => [],
      stop: async () => {},
    };
    const error = await failure(migrate({ disks: [await disk("vda", MiB, 0)], tracker, wire: oneWay() }));
    expect(error).toMatchObject({ code: "device", phase: "setup" });
  });
});

function whenDestroyed(wire: { readonly destroyed: boolean }): Promise<never> {
  return new Promise((_, reject) => {
    const look = (): void => {
      if (wire.destroyed) reject(new Error("destroyed"));
      else setImmediate(look);
    };
    look();
  });
}
