import type { BufferPool } from "@blkmig/device/memory";
import { BLOCK_SIZE, type ClassicFrame } from "@blkmig/protocol";

import { Refusal } from "./refusal.ts";
import { landData, landZeroes, type Target } from "./target.ts";
import type { WorkInHand } from "./work-in-hand.ts";
import { createZeroRun, type JoinedZeroes } from "./zero-run.ts";

/** Puts frames on disks. */
export interface Applier {
  /** Takes one frame; gives a promise where the wire must wait before the next one. Throws `Refusal`. */
  apply(frame: ClassicFrame): Promise<void> | undefined;
  /** Whether the last two frames were those that end a migration. */
  readonly ended: boolean;
  /** Whether any byte of any target may have been written. */
  readonly touched: boolean;
}

export interface ApplierParts {
  readonly targets: ReadonlyMap<string, Target>;
  readonly pool: BufferPool;
  readonly work: WorkInHand;
  /** Where the payload that was just announced shall go. */
  readonly land: (buffer: Uint8Array) => void;
  /** Whether a disk without a name is the only target there is. */
  readonly nameless: boolean;
}

export function createApplier({ targets, pool, work, land, nameless }: ApplierParts): Applier {
  const zeroes = createZeroRun();
  let touched = false;
  let saidAll = false; // the last frame was PROGRESS 100
  let ended = false;
  let landing: Uint8Array | undefined; // the pool's buffer under the payload that is coming

  const placeOf = (device: string, offset: number): { readonly target: Target; readonly length: number } => {
    const target = targets.get(device) ?? (device === "" && nameless ? onlyOne(targets) : undefined);
    if (!target) throw new Refusal("unknown-device", unknownDevice(device, [...targets.keys()]));
    const { size } = target.device;
    if (offset < size) return { target, length: Math.min(BLOCK_SIZE, size - offset) };
    throw new Refusal(
      "beyond-the-end",
      `disk '${device}': the stream has a block at ${offset}, and the target ends at ${size}: it is too small`,
    );
  };

  const begin = (landed: Promise<void>): Promise<void> | undefined => {
    touched = true;
    return work.begin(landed);
  };

  const landJoined = (joined: JoinedZeroes | undefined): Promise<void> | undefined =>
    joined && begin(landZeroes(joined.target, joined.offset, joined.length));

  const landAndGiveBack = async (target: Target, offset: number, buffer: Uint8Array): Promise<void> => {
    try {
      await landData(target, offset, buffer);
    } finally {
      pool.give(buffer);
    }
  };

  const prepare = async (wait: Promise<void> | undefined): Promise<void> => {
    await wait;
    landing = await pool.take();
    land(landing);
  };

  const follow = (frame: ClassicFrame): void => {
    if (ended) throw new Refusal("trailing", `the stream goes on after its last frame (at byte ${frame.position})`);
    ended = saidAll && frame.type === "eos";
    saidAll = frame.type === "progress" && frame.percent === 100;
  };

  return {
    apply(frame) {
      follow(frame);
      switch (frame.type) {
        case "payload":
          placeOf(frame.device, frame.offset); // refused before a byte of it is taken
          // Zeroes that came before this block must not land after it.
          return prepare(landJoined(zeroes.take()));
        case "block":
          return begin(landAndGiveBack(placeOf(frame.device, frame.offset).target, frame.offset, landing!));
        case "zero": {
          const { target, length } = placeOf(frame.device, frame.offset);
          return landJoined(zeroes.add(target, frame.offset, length));
        }
        case "progress":
          return undefined;
        case "eos":
          return landJoined(zeroes.take());
      }
    },
    get ended() {
      return ended;
    },
    get touched() {
      return touched;
    },
  };
}

function onlyOne(targets: ReadonlyMap<string, Target>): Target | undefined {
  return targets.size === 1 ? targets.values().next().value : undefined;
}

function unknownDevice(device: string, known: readonly string[]): string {
  if (device === "") return "the stream has a disk without a name";
  const targets = known.length === 0 ? "no disk is expected here" : `expected here: '${known.join("', '")}'`;
  return `the stream has a disk '${device}', ${targets}`;
}
