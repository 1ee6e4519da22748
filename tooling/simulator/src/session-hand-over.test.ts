import { createMemoryDevice, trackWrites } from "@blkmig/device";
import { createSinkSession, type SessionTargets } from "@blkmig/sink";
import { createMigration, type MigrationEvent } from "@blkmig/source";
import { memoryPair } from "@blkmig/transport/memory";
import { describe, expect, test } from "vitest";

import { warningsOf } from "./paced-figures.ts";
import { runPacedSession } from "./paced-session.ts";

const SIZE = 4 * 1024 * 1024;
const settles = async (): Promise<void> => {};

interface HandedOver {
  /** A sink that knows how to let go of its targets; otherwise it is as an older one. Default true. */
  readonly lets?: boolean;
  readonly handOver?: boolean;
  readonly confirm?: () => Promise<void>;
  /** Earlier runs of both ends got so far with the first attempt, and the source does not know how far. */
  readonly earlier?: "sealed" | "committed";
  /** Told before each of the sink's records, and when it lets go. */
  readonly onTargets?: (what: string, world: { cut(): void; restartSink(): void }) => void;
}

/** A guest's disk on its way to a sink whose targets another program takes over, and all that is told on the way. */
function moveTo({ lets = true, handOver = true, confirm = settles, earlier, onTargets }: HandedOver = {}) {
  const device = createMemoryDevice({ name: "vda", size: SIZE, fill: 5 });
  const { guest, disk, tracker, control } = trackWrites(device, { granularity: 65536 });
  const target = createMemoryDevice({ size: SIZE, fill: 0xe5 });
  const told: string[] = [];
  const record = {
    state: earlier ?? ("open" as "open" | "sealed" | "committed" | "aborted"),
    attempt: earlier ? 1 : 0,
    known: earlier !== undefined,
  };
  let wire: { destroy(reason?: Error): void } | undefined;
  let sink: ReturnType<typeof createSinkSession>;

  const tell = (what: string): void => {
    told.push(what);
    onTargets?.(what, { cut: () => wire?.destroy(new Error("cut")), restartSink: startSink });
  };
  const targets = (): SessionTargets => ({
    devices: [target],
    journal: {
      async begin() {
        record.known = true;
      },
      held: settles,
      async decide(state, attempt) {
        tell(state);
        Object.assign(record, { state, attempt });
      },
      done: settles,
    },
    ...(record.known ? { found: { ...record, held: [[]] } } : {}),
    ...(lets ? { handOver: async () => tell("let go") } : {}),
    close: settles,
  });
  function startSink(): void {
    sink = createSinkSession({ open: async () => targets() });
    sink.ended.catch((error: unknown) => told.push(`sink: ${(error as { code: string }).code}`));
  }
  startSink();

  const migration = createMigration({
    disks: [{ name: "vda", device: disk }],
    tracker,
    guest: {
      async pause() {
        told.push("paused");
        await control.pause();
      },
      async resume() {
        told.push("resumed");
        await control.resume();
      },
    },
    async confirm() {
      told.push("confirm");
      await confirm();
    },
    session: {
      handOver,
      ...(earlier && { migration: "m-1", resume: { asked: 1, attempt: 1 } }),
      async connect() {
        told.push("connected");
        const [near, far] = memoryPair();
        wire = near;
        void sink.take(far).then(() => far.finish().catch(() => undefined));
        return near;
      },
    },
  });
  return { run: () => migration.run(), told, guest, target };
}

async function failed(run: Promise<unknown>): Promise<unknown> {
  const error: unknown = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  await new Promise(setImmediate); // the sink hears the last word
  return error;
}

describe("a source whose targets another program takes over", () => {
  test("confirms when they are sealed and nobody's, and then commits", async () => {
    const { run, told } = moveTo();
    await run();
    expect(told).toEqual(["connected", "paused", "sealed", "let go", "confirm", "committed"]);
  });

  test("is refused by a receiver that cannot let go of them, before anything is sent", async () => {
    const { run, told, target } = moveTo({ lets: false });
    const error = await failed(run());
    expect(error).toMatchObject({ code: "refused", guest: "running" });
    expect(String(error)).toContain("cannot let go of its targets before the commit");
    expect(told).toEqual(["connected", "sink: cancelled-by-source"]);
    const first = new Uint8Array(1);
    await target.read(0, first);
    expect(first[0]).toBe(0xe5);
  });

  test("that may not confirm has the guest back, and says ABORT, which ends the migration at the sink", async () => {
    const { run, told, guest } = moveTo({
      async confirm() {
        throw new Error("a snapshot was made");
      },
    });
    expect(await failed(run())).toMatchObject({ code: "changed", guest: "running", message: "a snapshot was made" });
    expect(told.slice(2)).toEqual(["sealed", "let go", "confirm", "resumed", "aborted", "sink: incomplete"]);
    await guest.write(0, [new Uint8Array(512)]); // would wait for ever if it were held
  });

  test("ends when its wire breaks after SEAL: it does not go on with targets that are another's", async () => {
    const { run, told } = moveTo({ onTargets: (what, { cut }) => what === "let go" && cut() });
    expect(await failed(run())).toMatchObject({ code: "wire", guest: "running" });
    expect(told).toEqual(["connected", "paused", "sealed", "let go", "resumed"]);
  });

  test("of which it is known that its wire broke before COMMIT was asked for is in no doubt", async () => {
    let cutIt = (): void => {};
    const { run, told } = moveTo({
      async confirm() {
        cutIt();
        await new Promise(setImmediate);
      },
      onTargets: (what, { cut }) => what === "let go" && (cutIt = cut),
    });
    expect(await failed(run())).toMatchObject({ code: "wire", guest: "running" });
    expect(told).toEqual(["connected", "paused", "sealed", "let go", "confirm", "resumed"]);
  });

  test("that does not know what became of its COMMIT is over if there was none, and does not begin again", async () => {
    const { run, told } = moveTo({ earlier: "sealed" });
    expect(await failed(run())).toMatchObject({ code: "wire", guest: "running" });
    expect(told).toEqual(["paused", "connected", "aborted", "resumed", "sink: cancelled-by-source"]);
    const committed = moveTo({ earlier: "committed" });
    await committed.run();
    expect(committed.told).toEqual(["paused", "connected"]);
  });

  test("ends when its COMMIT was lost and a receiver that was restarted has not committed", async () => {
    for (const handOver of [true, false]) {
      let isKilled = false;
      const onTargets: HandedOver["onTargets"] = (what, { cut, restartSink }) => {
        if (what !== "committed" || isKilled) return;
        isKilled = true;
        restartSink();
        cut();
        throw new Error("it was killed before that was recorded");
      };
      const { run, told } = moveTo({ handOver, onTargets });
      const end = await failed(run());
      const after = told.slice(told.indexOf("committed") + 1);
      if (handOver) expect(end).toMatchObject({ code: "wire", guest: "running" });
      else expect(end).toBeUndefined();
      expect(after.filter((what) => !what.startsWith("sink"))).toEqual(
        handOver
          ? ["connected", "aborted", "resumed"]
          : ["connected", "aborted", "resumed", "paused", "sealed", "confirm", "committed"],
      );
    }
  });

  test("without it goes on after a cut, and is not asked to be able to", async () => {
    let isCut = false;
    const onTargets: HandedOver["onTargets"] = (what, { cut }) => {
      if (what !== "sealed" || isCut) return;
      isCut = true;
      cut();
    };
    const { run, told } = moveTo({ lets: false, handOver: false, onTargets });
    await run();
    expect(told.filter((what) => what === "connected")).toHaveLength(2);
    expect(told.at(-1)).toBe("committed");
  });

  test("does not give up its pause for its length, once SEAL is said: that is warned of", async () => {
    const ended = await runPacedSession({
      wire: { bytesPerSecond: 100_000_000, latencyMs: 1 },
      guestRate: 100_000,
      sinkDisk: { flushMs: 500 },
      session: { handOver: true },
    });
    expect(ended.end).not.toBeInstanceOf(Error);
    expect(ended.same).toBe(true);
    expect(ended.control.filter(({ what }) => what === "pause")).toHaveLength(1);
    expect(warningsOf(ended)).toContain("the pause takes longer than 300 ms, and is not given up");
    const told = ended.events.filter((event: MigrationEvent) => event.type === "reconnect");
    expect(told).toEqual([]);
  });
});
