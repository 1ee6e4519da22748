import { type BlockDevice, DeviceError, type Segments } from "@blkmig/device";
import type { Clock } from "@blkmig/source";
import type { SeededRandom } from "@blkmig/testkit";

import type { Strikes } from "./strikes.ts";

type Piece = (from: number, to: number) => Promise<void>;

/** How a disk behaves in a simulation. */
export interface Behaviour {
  /** Waits for this request's turn, as often as it is asked. */
  readonly turn: () => Promise<void>;
  readonly random: SeededRandom;
  /** How likely each request fails, 0 to 1; a failed write may have landed in part. */
  readonly faults?: number;
  /** The same of writes and zeroes, where they fail more often. */
  readonly writeFaults?: number;
  /** Requests take virtual milliseconds, some of them seconds, by this clock. */
  readonly slow?: Clock;
  /** Which of them. Default all; of changes alone half are slow: everybody else has gone on when such a write lands. */
  readonly slows?: "all" | "changes";
  /** After so many bytes written there is no space left. */
  readonly space?: number;
  /** The byte at which it ends, before its size: what is read behind that is `short`, as of a file that somebody has truncated. */
  readonly endsAt?: number;
  readonly strikes?: Strikes;
  /** Whose name what struck is counted under. Default `disk`. */
  readonly side?: string;
}

/** A disk whose requests take turns: they begin late, land in two pieces, and are answered late. */
export function scheduledDevice(device: BlockDevice, behaviour: Behaviour): BlockDevice {
  const { random, faults = 0, slow, slows = "all", endsAt = Infinity, strikes, side = "disk" } = behaviour;
  let space = behaviour.space ?? Infinity;

  const strike = (code: "io" | "no-space" | "short", what: string): never => {
    strikes?.count(`${side}: ${code} at a ${what}`);
    throw new DeviceError(code, device.name, `${what} failed, as planned`);
  };
  const { writeFaults = faults } = behaviour;
  const fault = (what: string, likely = faults): void => {
    if (random.next() < likely) strike(random.int(4) === 0 ? "short" : "io", what);
  };
  const turn = async (): Promise<void> => {
    await behaviour.turn();
    if (!slow || random.int(slows === "all" ? 6 : 2) > 0) return;
    strikes?.count(`${side}: a request was slow`);
    await slow.sleep(random.int(random.pick([20, 200, 5000])));
  };
  const lookTurn = slows === "all" ? turn : behaviour.turn;
  const inTwo = async (length: number, piece: Piece, wait: () => Promise<void>): Promise<void> => {
    const middle = random.int(length + 1);
    await wait();
    if (middle > 0) await piece(0, middle);
    await wait();
    if (middle < length) await piece(middle, length);
    await wait();
  };
  return {
    name: device.name,
    size: device.size,
    readOnly: device.readOnly,
    async read(offset, into) {
      fault("read");
      if (offset + into.length > endsAt) strike("short", "read");
      await inTwo(into.length, (from, to) => device.read(offset + from, into.subarray(from, to)), lookTurn);
    },
    async write(offset, data) {
      const bytes = joined(data); // borrowed until it settles, so a view would do; a copy shows nothing that is wrong
      await inTwo(
        bytes.length,
        async (from, to) => {
          const fits = Math.min(to - from, space);
          space -= fits;
          await device.write(offset + from, [bytes.subarray(from, from + fits)]);
          if (fits < to - from) strike("no-space", "write");
          fault("write", writeFaults);
        },
        turn,
      );
    },
    async zero(offset, length, options) {
      await inTwo(
        length,
        async (from, to) => {
          await device.zero(offset + from, to - from, options);
          fault("zero", writeFaults);
        },
        turn,
      );
    },
    async *extents(offset, length) {
      fault("extents");
      await lookTurn();
      for await (const extent of device.extents(offset, length)) {
        yield extent;
        await lookTurn();
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
