import { createMemoryDevice, trackWrites } from "@blkmig/device";
import { createSinkSession } from "@blkmig/sink";
import { createMigration, type MigrationResult } from "@blkmig/source";
import { memoryPair } from "@blkmig/transport/memory";
import { describe, expect, test } from "vitest";

const SIZE = 4 * 1024 * 1024;
const settles = async (): Promise<void> => {};

/** A guest's disk on its way to a sink that will serve it; `ready` is asked where that is. */
function moveTo(serve: string | undefined, ready: (said: string | undefined, asked: number) => Promise<void>) {
  const device = createMemoryDevice({ name: "vda", size: SIZE });
  const { guest, disk, tracker, control } = trackWrites(device, { granularity: 65536 });
  const target = createMemoryDevice({ size: SIZE });
  const told: string[] = [];
  const sink = createSinkSession({
    open: async () => ({
      devices: [target],
      journal: { begin: settles, held: settles, decide: async (state) => void told.push(state), done: settles },
      close: settles,
    }),
    ready: async () => (serve === undefined ? {} : { serve }),
  });
  sink.ended.catch(() => {}); // it is the source that is looked at
  let asked = 0;
  const migration = createMigration({
    disks: [{ name: "vda", device: disk }],
    tracker,
    guest: {
      ...control,
      async pause() {
        told.push("paused");
        await control.pause();
      },
    },
    session: {
      async connect() {
        const [near, far] = memoryPair();
        void sink.take(far).then(() => far.finish().catch(() => undefined));
        return near;
      },
      async ready(said) {
        told.push(`ready ${said}`);
        await ready(said, ++asked);
      },
    },
  });
  return { run: async (): Promise<MigrationResult> => migration.run(), told, guest, sink, target };
}

describe("who passes the guest on", () => {
  test("is asked when the session begins and before the pause, with the place where the sink will serve", async () => {
    const { run, told } = moveTo("nbd://there", settles);
    const { session } = await run();
    expect(told).toEqual(["ready nbd://there", "ready nbd://there", "paused", "sealed", "committed"]);
    expect(session?.serve).toBe("nbd://there");
  });

  test("hears that the sink will not serve", async () => {
    const { run, told } = moveTo(undefined, settles);
    await run();
    expect(told[0]).toBe("ready undefined");
  });

  test.each([
    ["at the beginning, before anything is written", 1],
    ["before the pause", 2],
  ])("ends the migration by throwing %s, and the guest runs", async (_, at) => {
    const { run, told, guest, sink, target } = moveTo("nbd://there", async (_said, asked) => {
      if (asked === at) throw new Error("nobody is there");
    });
    await guest.write(0, [Buffer.alloc(512, 7)]);
    await expect(run()).rejects.toMatchObject({ code: "refused", guest: "running", message: "nobody is there" });
    await guest.write(512, [Buffer.alloc(512, 7)]); // would wait for ever if it were held
    expect(told).not.toContain("paused");
    await expect(sink.ended).rejects.toMatchObject({ code: "cancelled-by-source" });
    const first = Buffer.alloc(1);
    await target.read(0, first);
    expect(first[0]).toBe(at === 1 ? 0 : 7);
  });
});
