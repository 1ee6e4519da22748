import { createMemoryDevice } from "@blkmig/device";
import { encodeShut, findVmDescription } from "@blkmig/protocol";
import { loadFromQemu } from "@blkmig/sink";
import { createMigration, migrate, qemuFormat } from "@blkmig/source";
import { recordingWire } from "@blkmig/testkit";
import { memoryPair } from "@blkmig/transport/memory";
import { expect, test } from "vitest";

const MiB = 1024 * 1024;

async function makeDisk(size: number) {
  const device = createMemoryDevice({ name: "vda", size });
  await device.write(0, [Buffer.alloc(size / 2, 7)]);
  return { name: "vda", device };
}

test("QEMU's envelope from end to end: pings are answered, and acknowledge what was taken", async () => {
  const [near, far] = memoryPair();
  const target = createMemoryDevice({ name: "vda", size: 4 * MiB, fill: 0xe5 });
  const migration = createMigration({
    disks: [await makeDisk(4 * MiB)],
    wire: near,
    format: qemuFormat({ machine: "pc" }),
  });
  const loading = loadFromQemu({ disks: [{ name: "vda", device: target }], wire: far });
  const { proved, statistics } = await migration.run();
  expect(proved).toBe(true);
  expect(statistics.acknowledged).toBeGreaterThan(2 * MiB);
  expect(statistics.acknowledged).toBeLessThanOrEqual(statistics.transferred);
  expect(await loading).toMatchObject({ answered: true, machineType: "pc", covered: 4 * MiB });
});

/** What our sender sends when it is told yes. */
async function recordedStream(): Promise<Uint8Array> {
  const wire = recordingWire();
  const running = migrate({ disks: [await makeDisk(2 * MiB)], wire, format: qemuFormat() });
  while (!findVmDescription(wire.sent())) await new Promise(setImmediate); // it says its end, and is finished after the answer
  wire.reply(encodeShut(0)[0]!);
  await running;
  expect(wire.finished).toBe(true);
  return wire.sent();
}

/** A wire that gives these bytes and then waits, until `broken` is called. */
function wireThatBreaks(stream: Uint8Array) {
  let at = 0;
  let fail: (error: Error) => void = () => {};
  const answers: Uint8Array[] = [];
  return {
    read(into: Uint8Array): Promise<number> {
      const piece = stream.subarray(at, at + into.length);
      if (piece.length === 0) return new Promise((_, reject) => (fail = reject));
      into.set(piece);
      at += piece.length;
      return Promise.resolve(piece.length);
    },
    async send(data: readonly Uint8Array[]): Promise<void> {
      answers.push(...data.map((each) => each.slice()));
      const isShut = data[0]?.[1] === 1;
      if (isShut) setImmediate(() => fail(new Error("reset")));
    },
    answers,
  };
}

test("a cut after the yes is in doubt, and one before it is incomplete", async () => {
  const stream = await recordedStream();
  const targets = () => [{ name: "vda", device: createMemoryDevice({ name: "vda", size: 2 * MiB, fill: 0xe5 }) }];
  const whole = wireThatBreaks(stream);
  await expect(loadFromQemu({ disks: targets(), wire: whole })).rejects.toMatchObject({ code: "in-doubt" });
  expect(whole.answers.at(-1)).toEqual(encodeShut(0)[0]);

  const [qemu, us] = memoryPair({ capacity: stream.length });
  await qemu.send([stream.subarray(0, stream.length - 200)]);
  await qemu.finish();
  await expect(loadFromQemu({ disks: targets(), wire: us })).rejects.toMatchObject({ code: "incomplete" });
});
