import { setTimeout as wait } from "node:timers/promises";

import { type NbdDevice, openNbd, parseNbdUrl } from "@blkmig/nbd";
import { createRandom, type SeededRandom } from "@blkmig/testkit";
import { onTestFinished } from "vitest";

import { numberIn, RECORD_BYTES, recordOf } from "./live/checked-writes.test-kit.ts";

const DIAL_EVERY_MS = 25;

export interface TirelessGuestOptions {
  /** What it dials. */
  readonly url: string;
  /** Of the disk, all its own. */
  readonly slots: readonly number[];
  readonly seed: number;
  /** Requests under way at once. */
  readonly writers: number;
  /** Milliseconds between two writes of one writer. */
  readonly pause: number;
}

/**
 * A guest that is hung up on and comes back, for as long as it is not stopped. What was under way then may be there or not; it writes a
 * newer record to the same place first of all, so an older one that lands late is seen.
 */
export interface TirelessGuest {
  /** Records that were answered. */
  readonly acknowledged: number;
  /** How often it was hung up on. */
  readonly interruptions: number;
  /** What it read that must not be. */
  readonly wrongs: readonly string[];
  /** Settles when so many more have been answered. */
  more(records: number): Promise<void>;
  /** The disk is at another address from now on. */
  turnTo(url: string): void;
  /** Begins no more; what is under way is answered, or interrupted when its server hangs up. */
  stop(): Promise<void>;
  /** What a disk lacks, has in excess, or has torn. */
  wrongIn(disk: Uint8Array): readonly string[];
}

export function startTirelessGuest({ url, slots, seed, writers, pause }: TirelessGuestOptions): TirelessGuest {
  const answered = new Map<number, number>();
  const begun = new Map<number, number>();
  const wrongs: string[] = [];
  const waiting = new Set<() => void>();
  const over = new AbortController();
  let [acknowledged, interruptions, number] = [0, 0, 0];
  let at = url;
  let device: Promise<NbdDevice | undefined> | undefined;
  /** Rejects when the guest leaves, who waits for nobody there any more. */
  let left = leaving();

  const dial = async (): Promise<NbdDevice | undefined> => {
    while (!over.signal.aborted) {
      const opened = await openNbd(parseNbdUrl(at), { reconnectFor: 0, signal: over.signal }).catch(() => undefined);
      if (opened) return opened;
      await wait(DIAL_EVERY_MS, undefined, { signal: over.signal }).catch(() => {}); // the loop ends with it
    }
    return undefined;
  };
  const leave = (disk: NbdDevice): void => void disk.close().catch(() => {}); // its server may have gone first

  const judge = (bytes: Uint8Array, slot: number): string | undefined => {
    const [least, most] = [answered.get(slot), begun.get(slot)];
    if (most === undefined) return undefined;
    const found = numberIn(bytes, slot);
    // Before a first record was answered the disk may still be as it was.
    if (least === undefined)
      return found !== undefined && found > most ? `slot ${slot}: ${found} > ${most}` : undefined;
    if (found === undefined) return `slot ${slot}: torn, or never written; record ${least} was answered`;
    if (found < least) return `slot ${slot}: record ${found}, and ${least} was answered`;
    return found > most ? `slot ${slot}: record ${found} was never written` : undefined;
  };

  const writeOne = async (disk: NbdDevice, slot: number): Promise<void> => {
    const mine = ++number;
    begun.set(slot, mine);
    const dialled = at;
    await disk.write(slot * RECORD_BYTES, [recordOf(mine, slot)]);
    // Only what held it to its end may have answered: elsewhere the record is not.
    if (dialled !== at) return void wrongs.push(`slot ${slot}: record ${mine} was answered by who had moved the disk`);
    answered.set(slot, mine);
    acknowledged++;
    for (const wake of waiting) wake();
  };
  const readOne = async (disk: NbdDevice, slot: number): Promise<void> => {
    const into = new Uint8Array(RECORD_BYTES);
    await disk.read(slot * RECORD_BYTES, into);
    const wrong = judge(into, slot);
    if (wrong !== undefined) wrongs.push(`read: ${wrong}`);
  };

  const useOnce = async (disk: NbdDevice, slot: number, random: SeededRandom): Promise<void> => {
    await writeOne(disk, slot);
    if (random.int(6) === 0) await readOne(disk, slot);
    if (random.int(24) === 0) await disk.flush();
  };

  const work = async (writer: number): Promise<void> => {
    const random = createRandom(seed * 16 + writer);
    const own = slots.filter((_, index) => index % writers === writer);
    let slot = random.pick(own);
    while (!over.signal.aborted) {
      const dialled = (device ??= dial());
      const disk = await dialled;
      if (!disk) return;
      try {
        await Promise.race([useOnce(disk, slot, random), left.promise]);
        slot = random.pick(own);
      } catch {
        if (device === dialled) {
          device = undefined;
          interruptions++;
          leave(disk);
        }
      }
      await wait(pause);
    }
  };
  const working = Promise.all(Array.from({ length: writers }, (_, writer) => work(writer)));

  const turnTo = (next: string): void => {
    at = next;
    const before = device;
    device = undefined;
    left.reject(new Error("left"));
    left = leaving();
    void before?.then((disk) => disk && leave(disk));
  };
  const stop = async (): Promise<void> => {
    over.abort();
    await working;
    await device?.then((disk) => disk && leave(disk));
  };
  onTestFinished(() => over.abort());

  return {
    get acknowledged() {
      return acknowledged;
    },
    get interruptions() {
      return interruptions;
    },
    wrongs,
    async more(records) {
      const goal = acknowledged + records;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          if (acknowledged < goal) return;
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
        wake();
      });
    },
    turnTo,
    stop,
    wrongIn: (disk) => [
      ...wrongs,
      ...slots.flatMap((slot) => judge(disk.subarray(slot * RECORD_BYTES, (slot + 1) * RECORD_BYTES), slot) ?? []),
    ],
  };
}

function leaving(): PromiseWithResolvers<never> {
  const left = Promise.withResolvers<never>();
  left.promise.catch(() => {}); // nobody may be waiting
  return left;
}
