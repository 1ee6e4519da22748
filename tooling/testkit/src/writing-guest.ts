import type { BlockDeviceShape } from "./block-device-shape.ts";
import { encodeRecord, judgeRecord, SMALLEST_RECORD } from "./guest-record.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface WritingGuestOptions {
  /** What it writes; it is not closed. */
  readonly device: Pick<BlockDeviceShape, "size" | "write" | "zero">;
  readonly random: SeededRandom;
  /** The length of a record, and of the places that it writes to. Default 512. */
  readonly recordBytes?: number;
}

/** Writes records that can be told apart from all others, and knows what the disk must hold where it wrote. */
export interface WritingGuest {
  /** Bytes that were written and answered, zeroed ones too. */
  readonly written: number;
  /**
   * Writes one record, or sometimes zeros a few places. Steps may overlap in time: no two of them touch one place. Rejects
   * as the disk does; what those places hold is then unknown, and is not judged until they are written again.
   */
  step(): Promise<void>;
  /** What each place that was written holds, in the order of the disk. The bytes are given. */
  expected(): Iterable<{ readonly offset: number; readonly bytes: Uint8Array }>;
  /** Reads each place that was written. Returns what is wrong, in words, at most ten of them. */
  verify(device: Pick<BlockDeviceShape, "read">): Promise<string[]>;
}

/** What a place holds: the record of that number, or zeros. */
type Content = number | "zero";

export function createWritingGuest(options: WritingGuestOptions): WritingGuest {
  const { device, random, recordBytes = 512 } = options;
  const places = Math.floor(device.size / recordBytes);
  if (recordBytes < SMALLEST_RECORD || places < 1) throw new RangeError(`no record of ${recordBytes} bytes fits`);
  const contents = new Map<number, Content>();
  const busy = new Set<number>();
  let sequence = 0;
  let written = 0;

  function choosePlaces(most: number): number[] {
    const first = random.int(places);
    const chosen: number[] = [];
    for (let place = first; place < Math.min(first + most, places) && !busy.has(place); place++) chosen.push(place);
    return chosen;
  }

  /** Occupies the places while the request is under way. */
  async function perform(chosen: readonly number[], content: Content, request: () => Promise<void>): Promise<void> {
    for (const place of chosen) {
      busy.add(place);
      contents.delete(place);
    }
    try {
      await request();
      for (const place of chosen) contents.set(place, content);
      written += chosen.length * recordBytes;
    } finally {
      for (const place of chosen) busy.delete(place);
    }
  }

  function* expected(): Generator<{ offset: number; bytes: Uint8Array }, void, void> {
    for (const [place, content] of [...contents].toSorted(([a], [b]) => a - b)) {
      const offset = place * recordBytes;
      const bytes = content === "zero" ? new Uint8Array(recordBytes) : encodeRecord(content, offset, recordBytes);
      yield { offset, bytes };
    }
  }

  return {
    get written() {
      return written;
    },
    async step() {
      const isZero = random.int(8) === 0;
      const chosen = choosePlaces(isZero ? 1 + random.int(16) : 1);
      const [first] = chosen;
      // The place is busy: this step writes nothing, rather than two writes whose order nobody knows.
      if (first === undefined) return;
      const offset = first * recordBytes;
      if (isZero) {
        const unmap = random.int(2) === 0;
        return perform(chosen, "zero", () => device.zero(offset, chosen.length * recordBytes, { unmap }));
      }
      sequence += 1;
      const number = sequence;
      const record = encodeRecord(number, offset, recordBytes);
      const middle = random.int(recordBytes);
      return perform(chosen, number, () => device.write(offset, [record.subarray(0, middle), record.subarray(middle)]));
    },
    expected,
    async verify(other) {
      const faults: string[] = [];
      const bytes = new Uint8Array(recordBytes);
      for (const [place, content] of contents) {
        const offset = place * recordBytes;
        await other.read(offset, bytes);
        const fault = judge(bytes, content, offset);
        if (fault !== undefined) faults.push(`at ${offset}: ${fault}`);
        if (faults.length === 10) break;
      }
      return faults;
    },
  };
}

function judge(bytes: Uint8Array, content: Content, offset: number): string | undefined {
  if (content !== "zero") return judgeRecord(bytes, content, offset);
  return bytes.every((byte) => byte === 0) ? undefined : "not the zeros that were asked for";
}
