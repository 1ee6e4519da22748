import { withFaults, type Faults } from "@blkmig/testkit";
import { describe, expect, it } from "vitest";

import type { Segments } from "./block-device.ts";
import { createMemoryDevice } from "./memory-device.ts";
import { trackWrites } from "./track-writes.ts";
import type { Mirror } from "./tracking.ts";

const SIZE = 64 * 1024;

describe("a mirrored write", () => {
  it("goes to the source, then to the sink, and then it is answered, without a mark", async () => {
    const { guest, control, log, dirty } = await track();
    control.mirror(createMirror(log));
    const segments = [Uint8Array.of(1, 2), Uint8Array.of(3)];
    await guest.write(511, segments).then(() => log.push("answered"));
    expect(log.splice(0)).toEqual(["begin 0 511 3", "landed 511", "carry 1,2,3", "end", "answered"]);
    await guest.zero(5, 7).then(() => log.push("answered"));
    expect(log).toEqual(["begin 0 5 7", "landed 5", "carry zero", "end", "answered"]);
    expect(await dirty()).toEqual([]);
  });

  it("waits for the mirror before it begins at the source, and for the sink before its answer", async () => {
    const { guest, control, log } = await track();
    const [begins, arrives] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    control.mirror(createMirror(log, { begin: () => begins.promise, carry: () => arrives.promise }));
    const write = guest.write(0, [Uint8Array.of(1)]).then(() => log.push("answered"));
    await turns();
    expect(log).toEqual(["begin 0 0 1"]);
    begins.resolve();
    await turns();
    expect(log).toEqual(["begin 0 0 1", "landed 0", "carry 1"]);
    arrives.resolve();
    await write;
    expect(log.slice(3)).toEqual(["end", "answered"]);
  });

  it("clears no mark: what the rest of its granule holds is not known to the sink", async () => {
    const { guest, control, log, dirty } = await track();
    await guest.write(0, [Uint8Array.of(1)]);
    control.mirror(createMirror(log));
    await guest.write(1, [Uint8Array.of(2)]);
    expect(await dirty()).toEqual([0]);
  });

  it("that the sink may not have is marked, ended, and answered as a success", async () => {
    const { guest, control, log, dirty } = await track();
    let found: number[] | undefined;
    const refuse = async (): Promise<void> => {
      throw new Error("the wire is cut");
    };
    // At its end, for from then on a flight may begin there; and the end comes before the answer.
    control.mirror(createMirror(log, { carry: refuse, end: () => void dirty().then((marks) => (found = marks)) }));
    await guest.write(1024, [Uint8Array.of(1)]).then(() => log.push("answered"));
    expect(log).toEqual(["begin 0 1024 1", "landed 1024", "carry 1", "end", "answered"]);
    await turns();
    expect(found).toEqual([1024]);
  });

  it("that fails at the source is not carried, is marked and ended, and fails for the guest", async () => {
    const short = new Error("short");
    const { guest, control, log, dirty } = await track({ failWrite: () => short, failZero: () => short, torn: true });
    let found: number[] | undefined;
    control.mirror(createMirror(log, { end: () => void dirty().then((marks) => (found = marks)) }));
    await expect(guest.write(0, [Uint8Array.of(1, 2)])).rejects.toBe(short);
    await turns();
    expect(found).toEqual([0]);
    await expect(guest.zero(512, 9)).rejects.toBe(short);
    await turns();
    expect(found).toEqual([512]);
    expect(log).toEqual(["begin 0 0 2", "landed 0", "end", "begin 0 512 9", "landed 512", "end"]);
  });

  it("that the mirror will not have goes on without it: it lands, is marked, is answered", async () => {
    const { guest, control, log, dirty } = await track();
    const refuse = async (): Promise<void> => {
      throw new Error("no mirror any more");
    };
    control.mirror(createMirror(log, { begin: refuse }));
    await guest.write(0, [Uint8Array.of(1)]);
    expect(log).toEqual(["begin 0 0 1", "landed 0"]);
    expect(await dirty()).toEqual([0]);
  });

  it("is one that begins while there is a mirror: those begun before mark, those begun with it finish it", async () => {
    const landings = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { guest, control, log, dirty } = await track({
      async latency({ offset, when }) {
        if (when === "before") await landings[offset / 512]?.promise;
      },
    });
    const before = guest.write(0, [Uint8Array.of(1)]);
    control.mirror(createMirror(log));
    const during = guest.write(512, [Uint8Array.of(2)]);
    await turns();
    control.mirror(undefined);
    for (const landing of landings) landing.resolve();
    await Promise.all([before, during]);
    await guest.write(1024, [Uint8Array.of(3)]);
    expect(log).toEqual(["begin 0 512 1", "landed 0", "landed 512", "carry 2", "end", "landed 1024"]);
    expect(await dirty()).toEqual([0, 1024]);
  });

  it("is one that a pause held while the mirror came", async () => {
    const { guest, control, log, dirty } = await track();
    await control.pause();
    const write = guest.write(0, [Uint8Array.of(1)]);
    control.mirror(createMirror(log));
    await control.resume();
    await write;
    expect(log).toContain("carry 1");
    expect(await dirty()).toEqual([]);
  });

  it("is waited for by a pause until the sink has it", async () => {
    const { guest, control, log } = await track();
    const arrives = Promise.withResolvers<void>();
    control.mirror(createMirror(log, { carry: () => arrives.promise }));
    const write = guest.write(0, [Uint8Array.of(1)]);
    const paused = control.pause().then(() => log.push("paused"));
    await turns();
    expect(log).toEqual(["begin 0 0 1", "landed 0", "carry 1"]);
    arrives.resolve();
    await Promise.all([write, paused]);
    expect(log.slice(3)).toEqual(["end", "paused"]);
  });

  it("is none that is empty, or a read, or a flush", async () => {
    const { guest, control, log } = await track();
    control.mirror(createMirror(log));
    await guest.write(0, [new Uint8Array(0)]);
    await guest.read(0, new Uint8Array(1));
    await guest.flush();
    expect(log.filter((entry) => !entry.startsWith("landed"))).toEqual([]);
  });

  it("is marked as usual once its tracker was stopped and started", async () => {
    const { guest, control, tracker, log, dirty } = await track();
    control.mirror(createMirror(log));
    await tracker.stop();
    await tracker.start();
    await guest.write(0, [Uint8Array.of(1)]);
    expect(log).toEqual(["landed 0"]);
    expect(await dirty()).toEqual([0]);
  });

  it("must be tracked, or what the mirror could not carry would be lost", async () => {
    const { control, tracker } = await track();
    await tracker.stop();
    expect(() => control.mirror(createMirror([]))).toThrow(TypeError);
    control.mirror(undefined);
  });
});

/** A tracked disk that logs what has landed, and says where the granules begin that are dirty. */
async function track(faults: Faults = {}) {
  const log: string[] = [];
  const device = withFaults(createMemoryDevice({ size: SIZE }), {
    ...faults,
    async latency(request) {
      await faults.latency?.(request);
      if (request.when === "after") log.push(`landed ${request.offset}`);
    },
  });
  const tracked = trackWrites(device, { granularity: 512 });
  await tracked.tracker.start();
  const dirty = async () => {
    const [set] = await tracked.tracker.sync();
    return [...set!.runs()].map(({ offset }) => offset);
  };
  return { ...tracked, log, dirty };
}

/** A mirror that logs what it is told, and does as it is told. */
function createMirror(
  log: string[],
  acts: { begin?: () => Promise<void>; carry?: () => Promise<void>; end?: () => void } = {},
): Mirror {
  return {
    async begin(...place) {
      log.push(`begin ${place.join(" ")}`);
      await acts.begin?.();
      return {
        async carry(data) {
          log.push(`carry ${data === "zero" ? data : bytesOf(data).join(",")}`);
          await acts.carry?.();
        },
        end() {
          log.push("end");
          acts.end?.();
        },
      };
    },
  };
}

function bytesOf(data: Segments): number[] {
  return data.flatMap((segment) => [...segment]);
}

/** Long enough for whatever can go on without us: every microtask, and then a turn of the event loop. */
async function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
