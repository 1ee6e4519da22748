import type { BlockDevice, Segments } from "@blkmig/device";
import type { SeededRandom } from "@blkmig/testkit";

export interface Rot {
  readonly random: SeededRandom;
  /** How likely each write is kept otherwise than it was given, 0 to 1. */
  readonly likely: number;
  readonly onStrike: (what: "flipped" | "lost" | "misdirected") => void;
}

/**
 * A disk that says yes and keeps something else: a bit flips at rest, a write is lost, or lands beside its place. What is misdirected stays
 * within its own write: whoever reads it back after it was written can see that.
 */
export function rottingDevice(device: BlockDevice, { random, likely, onStrike }: Rot): BlockDevice {
  const keep = async (offset: number, data: Segments): Promise<void> => {
    const bytes = Buffer.concat(data);
    const how = random.pick(["flipped", "lost", "misdirected"] as const);
    if (bytes.length === 0) return;
    onStrike(how);
    if (how === "lost") return;
    if (how === "flipped") {
      bytes[random.int(bytes.length)]! ^= 1 << random.int(8);
      return device.write(offset, [bytes]);
    }
    const shift = Math.min(512, bytes.length);
    if (shift < bytes.length) await device.write(offset + shift, [bytes.subarray(0, bytes.length - shift)]);
  };
  return {
    name: device.name,
    size: device.size,
    readOnly: device.readOnly,
    read: (offset, into) => device.read(offset, into),
    write: (offset, data) => (random.next() < likely ? keep(offset, data) : device.write(offset, data)),
    async zero(offset, length, options) {
      if (random.next() >= likely) return device.zero(offset, length, options);
      onStrike("lost");
    },
    extents: (offset, length) => device.extents(offset, length),
    flush: () => device.flush(),
    close: () => device.close(),
  };
}
