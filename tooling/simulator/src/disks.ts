import type { BlockDevice } from "@blkmig/device";
import type { Clock } from "@blkmig/source";
import type { SeededRandom } from "@blkmig/testkit";

/** Some of each: data, zeroes that were written, and holes. */
export async function fill(device: BlockDevice, random: SeededRandom, grain: number): Promise<void> {
  for (let offset = 0; offset < device.size; offset += grain) {
    const length = Math.min(grain, device.size - offset);
    const kind = random.int(3);
    if (kind === 0) await device.write(offset, [Buffer.alloc(length, 1 + random.int(255))]);
    if (kind === 1) await device.zero(offset, length, { unmap: false });
  }
}

export async function equal(a: BlockDevice, b: BlockDevice): Promise<boolean> {
  const [left, right] = [Buffer.alloc(a.size), Buffer.alloc(b.size)];
  await Promise.all([a.read(0, left), b.read(0, right)]);
  return left.equals(right);
}

/** Longer than any disk, wire or throttle of a simulation makes anybody wait. */
const PATIENCE_MS = 3_600_000;

/** Whether a request of the guest is answered; it is virtual time that passes. */
export async function isAnswered(face: BlockDevice, clock: Clock): Promise<boolean> {
  const waited = new AbortController();
  const answered = face.read(0, Buffer.alloc(512)).then(
    () => true,
    () => true,
  );
  const isIt = await Promise.race([answered, clock.sleep(PATIENCE_MS, waited.signal).then(() => false)]);
  waited.abort();
  return isIt;
}
