import { type BlockDevice, createMemoryDevice } from "@blkmig/device";
import { encodeShut } from "@blkmig/protocol";
import { createRandom, naiveEncode, type NaiveItem } from "@blkmig/testkit";
import { describe, expect, test } from "vitest";

import { LoadError } from "./load-error.ts";
import type { LoadOptions } from "./load-options.ts";
import { load } from "./load.ts";

const MiB = 1024 * 1024;
const GARBAGE = 0xe5;

const block = (device: string, at: number, fill: number): NaiveItem => ({
  type: "block",
  device,
  offset: at * MiB,
  data: Buffer.alloc(MiB, fill),
});
const zero = (device: string, at: number): NaiveItem => ({ type: "zero", device, offset: at * MiB });
const progress = (percent: number): NaiveItem => ({ type: "progress", percent });
const eos: NaiveItem = { type: "eos" };
const end: readonly NaiveItem[] = [progress(100), eos];

/** A wire that gives these bytes, `split` at most at a time, and keeps what is answered. */
function wireOf(stream: Uint8Array, split = 70_000) {
  let at = 0;
  const answers: Uint8Array[] = [];
  return {
    async read(into: Uint8Array) {
      const bytes = Math.min(into.length, split, stream.length - at);
      into.set(stream.subarray(at, at + bytes));
      at += bytes;
      return bytes;
    },
    async send(data: readonly Uint8Array[]) {
      answers.push(...data.map((piece) => piece.slice()));
    },
    answer: () => Buffer.concat(answers),
    position: () => at,
  };
}

const shut = (value: number): Uint8Array => Buffer.concat(encodeShut(value));
const garbage = (name: string, size: number): BlockDevice => createMemoryDevice({ name, size, fill: GARBAGE });
const content = async (device: BlockDevice): Promise<Buffer> => {
  const bytes = Buffer.alloc(device.size);
  await device.read(0, bytes);
  return bytes;
};
const failure = async (options: LoadOptions): Promise<LoadError> => {
  const error: unknown = await load(options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof LoadError)) throw new Error(`no LoadError: ${String(error)}`);
  return error;
};
/** A device with some of its methods replaced. */
const withPart = (device: BlockDevice, part: Partial<BlockDevice>): BlockDevice => ({ ...device, ...part });

describe("a whole stream", () => {
  test("lands on a target full of garbage, zeroes included, and is answered by SHUT 0", async () => {
    const device = garbage("vda", 3 * MiB);
    const wire = wireOf(
      naiveEncode([eos, progress(0), block("vda", 0, 1), zero("vda", 1), block("vda", 2, 3), eos, ...end]),
    );
    const result = await load({ disks: [{ name: "vda", device }], wire });
    expect(await content(device)).toEqual(
      Buffer.concat([Buffer.alloc(MiB, 1), Buffer.alloc(MiB), Buffer.alloc(MiB, 3)]),
    );
    expect(result).toMatchObject({ answered: true, total: 3 * MiB, covered: 3 * MiB });
    expect(result.disks).toEqual([
      { name: "vda", size: 3 * MiB, covered: 3 * MiB, dataBytes: 2 * MiB, zeroBytes: MiB },
    ]);
    expect(wire.answer()).toEqual(shut(0));
  });

  test.each([512, MiB - 512, MiB, MiB + 512])("of a disk of %i bytes is clipped to it", async (size) => {
    const device = garbage("vda", size);
    const blocks = Array.from({ length: Math.ceil(size / MiB) }, (_, at) => block("vda", at, at + 1));
    await load({ disks: [{ name: "vda", device }], wire: wireOf(naiveEncode([eos, ...blocks, ...end])) });
    const expected = Buffer.concat(blocks.map((_, at) => Buffer.alloc(MiB, at + 1))).subarray(0, size);
    expect((await content(device)).equals(expected)).toBe(true);
  });

  test("of no disks is a migration too", async () => {
    const wire = wireOf(naiveEncode([eos, ...end]));
    expect(await load({ disks: [], wire })).toMatchObject({ total: 0, answered: true });
    expect(
      (
        await failure({
          disks: [{ name: "vda", device: garbage("vda", MiB) }],
          wire: wireOf(naiveEncode([eos, ...end])),
        })
      ).code,
    ).toBe("incomplete");
  });

  test("where nobody can be answered says so", async () => {
    const { read } = wireOf(naiveEncode([eos, ...end]));
    expect((await load({ disks: [], wire: { read } })).answered).toBe(false);
  });

  test("is answered only after every flush", async () => {
    const steps: string[] = [];
    const device = garbage("vda", MiB);
    const flushed = withPart(device, {
      write: async (offset, data) => (await device.write(offset, data), void steps.push("write")),
      flush: async () => void steps.push("flush"),
      extents: device.extents.bind(device),
    });
    const wire = wireOf(naiveEncode([eos, block("vda", 0, 1), ...end]));
    const send = async (): Promise<void> => void steps.push("answer");
    await load({ disks: [{ name: "vda", device: flushed }], wire: { read: wire.read, send } });
    expect(steps).toEqual(["write", "flush", "answer"]);
  });
});

describe("a stream that is not whole is never complete", () => {
  const items = [eos, progress(0), block("vda", 0, 1), eos, zero("vda", 1), eos, block("vdb", 0, 2), eos, ...end];
  const disks = () => [
    { name: "vda", device: garbage("vda", 2 * MiB) },
    { name: "vdb", device: garbage("vdb", 512) },
  ];

  test("cut after each frame, also at each end of section", async () => {
    for (let frames = 0; frames < items.length; frames++) {
      const wire = wireOf(naiveEncode(items.slice(0, frames)));
      const error = await failure({ disks: disks(), wire });
      expect(error, `after ${frames} frames`).toMatchObject({ code: "incomplete" });
      expect(wire.answer()).toEqual(frames === 0 ? Buffer.alloc(0) : shut(1));
    }
  });

  test("cut inside a frame", async () => {
    const stream = naiveEncode(items);
    for (const cut of [1, 7, 9, 20, 30, 1000, MiB, stream.length - 1, stream.length - 9]) {
      expect((await failure({ disks: disks(), wire: wireOf(stream.subarray(0, cut)) })).code, `at ${cut}`).toBe(
        "incomplete",
      );
    }
  });

  test("cut while blocks are still being written: what lands is not missing", async () => {
    const device = garbage("vda", 3 * MiB);
    const write = async (offset: number, data: readonly Uint8Array[]): Promise<void> => {
      for (let i = 0; i < 20; i++) await new Promise(setImmediate);
      await device.write(offset, data);
    };
    const wire = wireOf(naiveEncode([eos, block("vda", 0, 1), block("vda", 1, 2)]), 3 * MiB);
    const error = await failure({ disks: [{ name: "vda", device: withPart(device, { write }) }], wire });
    expect(error.message).toMatch(/missing: 'vda' 1 of 3 blocks, the first at 2097152$/);
  });

  test("that says 100 % but lacks blocks: the sentence counts them", async () => {
    const wire = wireOf(naiveEncode([eos, block("vda", 0, 1), ...end]));
    const error = await failure({ disks: disks(), wire });
    expect(error.message).toBe(
      "the stream says that it is complete, but it is not; missing: 'vda' 1 of 2 blocks, the first at 1048576, 'vdb' 1 of 1 blocks, the first at 0",
    );
    expect(wire.answer()).toEqual(shut(1));
  });

  test("the last two frames are the last: 100 % in between, or something behind them, is not the end", async () => {
    const between = [eos, ...items.slice(1, 8), progress(100), progress(100)];
    expect((await failure({ disks: disks(), wire: wireOf(naiveEncode(between)) })).code).toBe("incomplete");
    expect((await failure({ disks: disks(), wire: wireOf(naiveEncode([...items, eos])) })).code).toBe("trailing");
  });

  test("incremental streams may leave blocks out, and must end as others do", async () => {
    const [disk] = disks();
    const whole = wireOf(naiveEncode([eos, block("vda", 1, 1), ...end]));
    expect(await load({ disks: [disk!], wire: whole, incremental: true })).toMatchObject({ covered: MiB });
    const cut = wireOf(naiveEncode([eos, block("vda", 1, 1), eos]));
    expect((await failure({ disks: [disk!], wire: cut, incremental: true })).code).toBe("incomplete");
  });
});

describe("refusals", () => {
  const refused = (items: readonly NaiveItem[], size = MiB, name = "vda"): Promise<LoadError> =>
    failure({ disks: [{ name, device: garbage(name, size) }], wire: wireOf(naiveEncode(items)) });

  test("an unknown disk, and one without a name, before a byte is written", async () => {
    const unknown = await refused([eos, block("sdz", 0, 1), ...end]);
    expect(unknown).toMatchObject({ code: "unknown-device", touched: false, recognised: true });
    expect(unknown.message).toBe("the stream has a disk 'sdz', expected here: 'vda'");
    expect((await refused([eos, zero("", 0), ...end])).message).toBe("the stream has a disk without a name");
  });

  test("a block beyond the end", async () => {
    const error = await refused([eos, block("vda", 1, 1), ...end]);
    expect(error).toMatchObject({ code: "beyond-the-end", touched: false });
    expect(error.message).toContain("too small");
    expect(await refused([eos, block("vda", 0, 1), zero("vda", 7), ...end])).toMatchObject({ touched: true });
  });

  test("bytes that are no stream: nothing is recognised and nothing is answered", async () => {
    const wire = wireOf(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    const error = await failure({ disks: [{ name: "vda", device: garbage("vda", MiB) }], wire });
    expect(error).toMatchObject({ code: "protocol", touched: false, recognised: false });
    expect(wire.answer()).toHaveLength(0);
  });

  test("a read-only target, and a name twice", async () => {
    const device = createMemoryDevice({ size: MiB, readOnly: true });
    expect((await failure({ disks: [{ name: "vda", device }], wire: wireOf(new Uint8Array()) })).code).toBe(
      "read-only",
    );
    const twice = [1, 2].map(() => ({ name: "vda", device: garbage("vda", MiB) }));
    await expect(load({ disks: twice, wire: wireOf(new Uint8Array()) })).rejects.toThrow(TypeError);
  });

  test("1.0 has no zero frames", async () => {
    const wire = wireOf(naiveEncode([eos, zero("vda", 0), ...end]));
    const disks = [{ name: "vda", device: garbage("vda", MiB) }];
    expect((await failure({ disks, wire, generation: "1.0" })).code).toBe("protocol");
  });

  test("a target that cannot be written or flushed: no SHUT 0, and nothing is under way any more", async () => {
    for (const broken of ["write", "flush"] as const) {
      const device = garbage("vda", 4 * MiB);
      let under = 0;
      const write = async (offset: number, data: readonly Uint8Array[]): Promise<void> => {
        under++;
        await new Promise(setImmediate);
        await device.write(offset, data);
        under--;
        if (broken === "write" && offset === MiB) throw new Error("no space left");
      };
      const flush = async (): Promise<void> => {
        if (broken === "flush") throw new Error("EIO");
      };
      const wire = wireOf(naiveEncode([eos, ...[0, 1, 2, 3].map((at) => block("vda", at, 1)), ...end]));
      const error = await failure({ disks: [{ name: "vda", device: withPart(device, { write, flush }) }], wire });
      expect(error.message).toContain(broken === "write" ? "no space left" : "EIO");
      expect(under).toBe(0);
      expect(wire.answer()).toEqual(shut(1));
    }
  });

  test("cancelled while the sender is silent", async () => {
    const controller = new AbortController();
    const wire = { read: () => new Promise<number>(() => controller.abort()) };
    const error = await failure({ disks: [], wire, signal: controller.signal });
    expect(error.code).toBe("cancelled");
  });
});

describe("on the disk", () => {
  test("neighbouring zero frames are one request, and known zeroes are none", async () => {
    const calls: string[] = [];
    const device = garbage("vda", 8 * MiB);
    await device.zero(5 * MiB, MiB);
    const zeroing = withPart(device, {
      extents: device.extents.bind(device),
      zero: async (offset, length) => {
        calls.push(`${offset / MiB}+${length / MiB}`);
        await device.zero(offset, length);
      },
    });
    const items = [
      zero("vda", 0),
      zero("vda", 1),
      zero("vda", 2),
      block("vda", 3, 7),
      zero("vda", 4),
      zero("vda", 5),
      zero("vda", 6),
      zero("vda", 7),
    ];
    await load({ disks: [{ name: "vda", device: zeroing }], wire: wireOf(naiveEncode([eos, ...items, ...end])) });
    expect(calls.toSorted()).toEqual(["0+3", "4+1", "6+2"]);
    expect((await content(device)).filter((byte) => byte !== 0)).toHaveLength(MiB);
  });

  test("whatever comes, the last one on each place wins, however the disk shuffles its requests", async () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = createRandom(seed);
      const device = garbage("vda", 3 * MiB);
      const late = async (): Promise<void> => {
        for (let i = random.int(6); i > 0; i--) await new Promise(setImmediate);
      };
      const shuffled = withPart(device, {
        async *extents(offset, length) {
          await late();
          yield* device.extents(offset, length);
          await late();
        },
        write: async (offset, data) => {
          await late();
          await device.write(offset, data);
          await late();
        },
        zero: async (offset, length) => {
          await late();
          await device.zero(offset, length);
        },
      });
      const last = [0, 0, 0];
      const items = Array.from({ length: 30 }, () => {
        const at = random.int(3);
        last[at] = random.int(3) === 0 ? 0 : 1 + random.int(255);
        return last[at] === 0 ? zero("vda", at) : block("vda", at, last[at]);
      });
      const wire = wireOf(naiveEncode([eos, ...items, ...end]));
      const covered = new Set(items.map((item) => ("offset" in item ? item.offset : -1)));
      await load({ disks: [{ name: "vda", device: shuffled }], wire, incremental: covered.size < 3 });
      const bytes = await content(device);
      for (const at of [0, 1, 2]) {
        const expected = covered.has(at * MiB) ? last[at]! : GARBAGE;
        expect(
          bytes.subarray(at * MiB, (at + 1) * MiB).equals(Buffer.alloc(MiB, expected)),
          `seed ${seed} block ${at}`,
        ).toBe(true);
      }
    }
  });

  test("a slow disk holds the wire back: memory is bounded by configuration, not by the stream", async () => {
    const device = garbage("vda", 64 * MiB);
    let under = 0;
    let most = 0;
    const write = async (offset: number, data: readonly Uint8Array[]): Promise<void> => {
      most = Math.max(most, ++under);
      for (let i = 0; i < 5; i++) await new Promise(setImmediate);
      await device.write(offset, data);
      under--;
    };
    const blocks = Array.from({ length: 64 }, (_, at) => block("vda", at, 1));
    const wire = wireOf(naiveEncode([eos, ...blocks, ...end]), 3 * MiB);
    const limits = { bufferedBytes: 4 * MiB };
    await load({
      disks: [{ name: "vda", device: withPart(device, { write, extents: device.extents.bind(device) }) }],
      wire,
      limits,
    });
    expect(most).toBe(4);
  });
});
