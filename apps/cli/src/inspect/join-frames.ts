import { BLOCK_SIZE } from "@blkmig/protocol";

import type { Item, StreamFrame, ZeroItem } from "./item.ts";

/** A run that may still grow: only its maker sees it so. */
type ZeroRun = Omit<ZeroItem, "blocks"> & { blocks: number };

/** Joins runs of zero frames. */
export async function* joinFrames(frames: AsyncIterable<StreamFrame>): AsyncGenerator<Item> {
  let run: ZeroRun | undefined;
  try {
    for await (const frame of frames) {
      if (run && continues(run, frame)) {
        run.blocks++;
        continue;
      }
      if (run) yield run;
      run = frame.type === "zero" ? { ...frame, blocks: 1 } : undefined;
      if (!run) yield itemOf(frame);
    }
  } catch (error) {
    if (run) yield run; // it was there, whatever comes after it
    throw error;
  }
  if (run) yield run;
}

function continues(run: ZeroRun, frame: StreamFrame): boolean {
  if (frame.type !== "zero" || frame.device !== run.device) return false;
  return frame.offset === run.offset + run.blocks * BLOCK_SIZE;
}

function itemOf(frame: StreamFrame): Item {
  if (frame.type === "zero") return { ...frame, blocks: 1 };
  if (frame.type !== "payload" && frame.type !== "block") return frame;
  return { type: "block", position: frame.position, device: frame.device, offset: frame.offset };
}
