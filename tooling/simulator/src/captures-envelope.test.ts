import { createMemoryDevice } from "@blkmig/device";
import { findVmDescription } from "@blkmig/protocol";
import { LoadError, loadFromQemu, type MachineState } from "@blkmig/sink";
import { type Capture, captures, rawCapture, sha256 } from "@blkmig/testkit";
import { memoryPair } from "@blkmig/transport/memory";
import { describe, expect, test } from "vitest";

const MiB = 1024 * 1024;

/** A QEMU that has sent these bytes and closed. */
async function qemuThatSent(stream: Uint8Array) {
  const [qemu, us] = memoryPair({ capacity: stream.length, split: (available) => Math.ceil(available / 3) });
  await qemu.send([stream]);
  await qemu.finish();
  return us;
}

const targetsOf = ({ disks }: Capture) =>
  disks.map(([name, size]) => ({ name, device: createMemoryDevice({ name, size, fill: 0xe5 }) }));

/** Keeps a machine's state in memory. */
function machineInMemory(): MachineState & { bytes(): Uint8Array; readonly committed: boolean } {
  const pieces: Uint8Array[] = [];
  let committed = false;
  return {
    async write(bytes) {
      pieces.push(bytes.slice());
    },
    async commit() {
      committed = true;
    },
    bytes: () => Buffer.concat(pieces),
    get committed() {
      return committed;
    },
  };
}

describe.each(captures)("$name, envelope and all", (capture) => {
  test("loads to the disks that QEMU had", async () => {
    const targets = targetsOf(capture);
    const result = await loadFromQemu({ disks: targets, wire: await qemuThatSent(rawCapture(capture.name)) });
    expect(result).toMatchObject({ answered: false, covered: result.total }); // into a file: nobody to answer
    for (const [at, [, size, hash]] of capture.disks.entries()) {
      const bytes = Buffer.alloc(size);
      await targets[at]!.device.read(0, bytes);
      expect(sha256(bytes)).toBe(hash);
    }
  });

  test("leaves the machine's state, the disks cut out, and only when all has come", async () => {
    const machine = machineInMemory();
    const stream = rawCapture(capture.name);
    await loadFromQemu({ disks: targetsOf(capture), wire: await qemuThatSent(stream), machine });
    const kept = machine.bytes();
    expect(machine.committed).toBe(true);
    expect(kept.length).toBeLessThan(stream.length - capture.blocks);
    expect(Buffer.from(kept).subarray(0, 4).toString()).toBe("QEVM");
    expect(findVmDescription(kept)).toBeDefined(); // it ends as QEMU ended it
  });

  test.each(["write", "commit"] as const)("is no load where its machine cannot be kept: %s fails", async (step) => {
    const full = async (): Promise<never> => Promise.reject(new Error("no space is left"));
    const machine = { ...machineInMemory(), [step]: full };
    const wire = await qemuThatSent(rawCapture(capture.name));
    await expect(loadFromQemu({ disks: targetsOf(capture), wire, machine })).rejects.toMatchObject({
      code: "machine",
      message: expect.stringContaining("cannot be kept: no space is left"),
    });
  });

  test("cut anywhere before its disks have ended it is incomplete, and no machine is committed", async () => {
    const stream = rawCapture(capture.name);
    for (const cut of [100, Math.floor(stream.length / 3), MiB + 100]) {
      const machine = machineInMemory();
      const wire = await qemuThatSent(stream.subarray(0, cut));
      await expect(loadFromQemu({ disks: targetsOf(capture), wire, machine })).rejects.toMatchObject({
        code: "incomplete",
      });
      expect(machine.committed).toBe(false);
    }
  });
});

test("one disk without a name is the only target; of two targets neither is it", async () => {
  const stream = Buffer.from(rawCapture("none-1disk-zeroblocks"));
  // The name is said with its length: a stream whose names are empty, as -blockdev makes them.
  const name = Buffer.from("\u0006drive0", "latin1");
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = stream.indexOf(name); at >= 0; at = stream.indexOf(name, from)) {
    parts.push(stream.subarray(from, at), Buffer.of(0));
    from = at + name.length;
  }
  const nameless = Buffer.concat([...parts, stream.subarray(from)]);
  const disk = (called: string) => ({ name: called, device: createMemoryDevice({ size: 3 * MiB }) });
  expect(await loadFromQemu({ disks: [disk("vda")], wire: await qemuThatSent(nameless) })).toMatchObject({
    covered: 3 * MiB,
  });
  const two = loadFromQemu({ disks: [disk("vda"), disk("vdb")], wire: await qemuThatSent(nameless) });
  await expect(two).rejects.toBeInstanceOf(LoadError);
  await expect(two).rejects.toThrow("a disk without a name");
});
