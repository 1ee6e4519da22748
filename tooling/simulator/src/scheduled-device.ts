import { type BlockDevice, DeviceError, type Segments } from "@blkmig/device";
import type { SeededRandom } from "@blkmig/testkit";

/** How a disk behaves in a simulation. */
export interface Behaviour {
  /** Waits for this request's turn, as often as it is asked. */
  readonly turn: () => Promise<void>;
  readonly random: SeededRandom;
  /** How likely each request fails, 0 to 1; a failed write may have landed in part. */
  readonly faults?: number;
}

/** A disk whose requests take turns: they begin late, land in two pieces, and are answered late. */
export function scheduledDevice(device: BlockDevice, { turn, random, faults = 0 }: Behaviour): BlockDevice {
  const fault = (what: string): void => {
    if (random.next() < faults) throw new DeviceError("io", device.name, `${what} failed, as planned`);
  };
  const inTwo = async (length: number, piece: (from: number, to: number) => Promise<void>): Promise<void> => {
    const middle = random.int(length + 1);
    await turn();
    if (middle > 0) await piece(0, middle);
    await turn();
    if (middle < length) await piece(middle, length);
    await turn();
  };
  return {
    name: device.name,
    size: device.size,
    readOnly: device.readOnly,
    async read(offset, into) {
      fault("read");
      await inTwo(into.length, (from, to) => device.read(offset + from, into.subarray(from, to)));
    },
    async write(offset, data) {
      const bytes = joined(data); // borrowed until it settles, so a view would do; a copy shows nothing that is wrong
      await inTwo(bytes.length, async (from, to) => {
        await device.write(offset + from, [bytes.subarray(from, to)]);
        fault("write");
      });
    },
    async zero(offset, length, options) {
      await inTwo(length, async (from, to) => {
        await device.zero(offset + from, to - from, options);
        fault("zero");
      });
    },
    async *extents(offset, length) {
      fault("extents");
      await turn();
      for await (const extent of device.extents(offset, length)) {
        yield extent;
        await turn();
      }
    },
    async flush() {
      await turn();
      fault("flush");
      await device.flush();
    },
    close: () => device.close(),
  };
}

/** The segments' own memory where there is one: a caller that reuses it too early is seen. */
function joined(data: Segments): Uint8Array {
  return data.length === 1 ? data[0]! : Buffer.concat(data);
}
