import type { BlockDevice } from "@blkmig/device";
import type { SeededRandom } from "@blkmig/testkit";

/** Some of each: data, zeroes that were written, and holes. */
export async function fill(device: BlockDevice, random: SeededRandom): Promise<void> {
  for (let offset = 0; offset < device.size; offset += 256 * 1024) {
    const length = Math.min(256 * 1024, device.size - offset);
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

/** Whether a request of the guest is answered within a good number of turns. */
export async function isAnswered(face: BlockDevice, turn: () => Promise<void>): Promise<boolean> {
  let answered = false;
  const mark = (): void => {
    answered = true;
  };
  face.read(0, Buffer.alloc(512)).then(mark, mark);
  for (let i = 0; i < 50; i++) await turn();
  return answered;
}
