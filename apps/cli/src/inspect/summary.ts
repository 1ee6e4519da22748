import { BLOCK_SIZE } from "@blkmig/protocol";

import { createEnvelopeSummary, type EnvelopeSummary } from "./envelope-summary.ts";
import type { Item } from "./item.ts";

interface DiskSummary {
  readonly name: string;
  /** Frames, resends included. */
  readonly blocks: number;
  readonly zeroBlocks: number;
  /** Bytes from the disk's start: of the lowest block, and behind the highest one. */
  readonly first: number;
  readonly end: number;
}

/** What a stream holds, counted. */
export interface Summary {
  readonly disks: readonly DiskSummary[];
  readonly progress: number;
  /** Block sections that have ended. */
  readonly sections: number;
  /** The last progress that was said. */
  readonly percent: number | undefined;
  /**
   * Whether its last two frames are those of a complete stream; in an envelope, whether the block section has ended. Whether every block
   * is there it does not say.
   */
  readonly ended: boolean;
  /** Undefined for a classic stream. */
  readonly envelope: EnvelopeSummary | undefined;
}

const EMPTY: Summary = {
  disks: [],
  progress: 0,
  sections: 0,
  percent: undefined,
  ended: false,
  envelope: undefined,
};

/** Counts items; `result()` at any time. */
export function createSummary(): { add(item: Item): void; result(): Summary } {
  const disks = new Map<string, DiskSummary>();
  const envelopes = createEnvelopeSummary();
  let all = EMPTY;
  let last: Item | undefined;

  const addBlocks = (name: string, offset: number, blocks: number, zero: boolean): void => {
    const disk = disks.get(name) ?? { name, blocks: 0, zeroBlocks: 0, first: offset, end: offset };
    disks.set(name, {
      name,
      blocks: disk.blocks + (zero ? 0 : blocks),
      zeroBlocks: disk.zeroBlocks + (zero ? blocks : 0),
      first: Math.min(disk.first, offset),
      end: Math.max(disk.end, offset + blocks * BLOCK_SIZE),
    });
  };

  return {
    add(item) {
      const ended = item.type === "eos" && last?.type === "progress" && last.percent === 100;
      last = item;
      all = { ...all, ended };
      envelopes.add(item);
      if (item.type === "block") addBlocks(item.device, item.offset, 1, false);
      else if (item.type === "zero") addBlocks(item.device, item.offset, item.blocks, true);
      else if (item.type === "progress") all = { ...all, progress: all.progress + 1, percent: item.percent };
      else if (item.type === "eos") all = { ...all, sections: all.sections + 1 };
      else if (item.type === "empty-parts") all = { ...all, sections: all.sections + item.block };
    },
    result() {
      const envelope = envelopes.result();
      return { ...all, disks: [...disks.values()], envelope, ended: envelope?.ended ?? all.ended };
    },
  };
}
