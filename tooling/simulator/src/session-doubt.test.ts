import { createMemoryDevice, trackWrites } from "@blkmig/device";
import { createSinkSession, LoadError } from "@blkmig/sink";
import { createMigration, type SourceJournal } from "@blkmig/source";
import { memoryPair } from "@blkmig/transport/memory";
import { describe, expect, test } from "vitest";

const SIZE = 1024 * 1024;
const settles = async (): Promise<void> => {};

/** A source that asked for commit of attempt 3, was killed, and is started again; and whoever answers it. */
function startAgain(answerer: "refuses" | "has no record" | "is not there" | "has committed") {
  const device = createMemoryDevice({ name: "vda", size: SIZE });
  const { guest, disk, tracker, control } = trackWrites(device, { granularity: 65536 });
  const said: string[] = [];
  const journal: SourceJournal = {
    begin: async () => void said.push("begin"),
    asked: async () => void said.push("asked"),
    kept: async () => void said.push("kept"),
    moved: async (attempt) => void said.push(`moved ${attempt}`),
  };
  const sink = createSinkSession({
    open: async () => {
      if (answerer === "refuses") throw new LoadError("unknown-device", "no", { touched: false, recognised: true });
      return {
        devices: [createMemoryDevice({ size: SIZE })],
        journal: { begin: settles, held: settles, decide: settles, done: settles },
        ...(answerer === "has committed" ? { found: { state: "committed" as const, attempt: 3, held: [[]] } } : {}),
        close: settles,
      };
    },
  });
  sink.ended.catch(() => {}); // it is the source that is looked at
  const migration = createMigration({
    disks: [{ name: "vda", device: disk }],
    tracker,
    guest: control,
    session: {
      migration: "m-1",
      resume: { asked: 3, attempt: 3 },
      journal,
      async connect() {
        if (answerer === "is not there") throw new Error("nobody listens");
        const [near, far] = memoryPair();
        void sink.take(far).then(() => far.finish().catch(() => undefined));
        return near;
      },
    },
  });
  let answered = false;
  const isHeld = async (): Promise<boolean> => {
    void guest.write(0, [Buffer.alloc(512)]).then(() => (answered = true));
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    return !answered;
  };
  return { migration, said, isHeld };
}

describe("a source that was killed after it had asked for the commit", () => {
  test.each(["refuses", "has no record", "is not there"] as const)(
    "stays in doubt, its guest paused, if the receiver %s: that is never a no",
    async (answerer) => {
      const { migration, said, isHeld } = startAgain(answerer);
      const error = await migration.run().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "in-doubt", guest: "paused" });
      expect(said).toEqual([]); // what is recorded stays
      expect(await isHeld()).toBe(true);
    },
  );

  test("has moved its disk if the receiver has committed, and nothing is sent again", async () => {
    const { migration, said, isHeld } = startAgain("has committed");
    const result = await migration.run();
    expect(result.proved).toBe(true);
    expect(result.statistics.transferred).toBe(0);
    expect(said).toEqual(["moved 3"]);
    expect(await isHeld()).toBe(true);
  });
});

describe("a source whose answer was lost", () => {
  /** A migration whose connection breaks at the instant in which the sink records `what`. */
  async function cutAt(what: "sealed" | "committed") {
    const device = createMemoryDevice({ name: "vda", size: SIZE });
    const { guest, disk, tracker, control } = trackWrites(device, { granularity: 65536 });
    const said: string[] = [];
    let connections: { destroy(reason?: Error): void }[] = [];
    const sink = createSinkSession({
      open: async () => ({
        devices: [createMemoryDevice({ size: SIZE, fill: 0xe5 })],
        journal: {
          begin: settles,
          held: settles,
          async decide(state, attempt) {
            said.push(`${state} ${attempt}`);
            if (state === what && connections.length === 1) connections[0]?.destroy(new Error("cut"));
          },
          done: settles,
        },
        close: settles,
      }),
    });
    const migration = createMigration({
      disks: [{ name: "vda", device: disk }],
      tracker,
      guest: control,
      session: {
        journal: {
          begin: settles,
          asked: async (attempt) => void said.push(`asked ${attempt}`),
          kept: async () => void said.push("kept"),
          moved: async (attempt) => void said.push(`moved ${attempt}`),
        },
        async connect() {
          const [near, far] = memoryPair();
          connections = [...connections, near];
          void sink.take(far).then(() => far.finish().catch(() => undefined));
          return near;
        },
      },
    });
    const result = await migration.run();
    await sink.ended;
    return { said, result, guest };
  }

  test("asks again, and hears that it has moved", async () => {
    const { said, result } = await cutAt("committed");
    expect(said).toEqual(["sealed 1", "asked 1", "committed 1", "moved 1"]);
    expect(result.statistics).toMatchObject({ status: "completed", reconnects: 1 });
  });

  test("has not asked for anything before SEALED: that attempt is aborted, and another one commits", async () => {
    const { said } = await cutAt("sealed");
    expect(said).toEqual(["sealed 1", "aborted 1", "sealed 2", "asked 2", "committed 2", "moved 2"]);
  });
});

test("a record of asking that could not be written, or that nobody was asked after, is taken back", async () => {
  const device = createMemoryDevice({ name: "vda", size: SIZE });
  const { guest, disk, tracker, control } = trackWrites(device, { granularity: 65536 });
  const said: string[] = [];
  const sink = createSinkSession({
    open: async () => ({
      devices: [createMemoryDevice({ size: SIZE })],
      journal: { begin: settles, held: settles, decide: async (state) => void said.push(state), done: settles },
      close: settles,
    }),
  });
  const failure = sink.ended.catch((error: unknown) => error);
  const migration = createMigration({
    disks: [{ name: "vda", device: disk }],
    tracker,
    guest: control,
    session: {
      journal: {
        begin: settles,
        asked: async () => {
          said.push("asked");
          throw new Error("no space left");
        },
        kept: async () => void said.push("kept"),
        moved: settles,
      },
      async connect() {
        const [near, far] = memoryPair();
        void sink.take(far).then(() => far.finish().catch(() => undefined));
        return near;
      },
    },
  });
  await expect(migration.run()).rejects.toMatchObject({ code: "journal", guest: "running" });
  expect(await failure).toMatchObject({ code: "cancelled-by-source" });
  expect(said).toEqual(["sealed", "asked", "kept", "aborted"]);
  await guest.write(0, [Buffer.alloc(512)]); // it runs
});
