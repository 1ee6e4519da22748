import { BLOCK_SIZE, type ClassicFrame } from "@blkmig/protocol";

/** What is worth a line: a frame, or a run of zero frames that follow each other on one disk. */
export type Item =
  | { readonly type: "block"; readonly position: number; readonly device: string; readonly offset: number }
  | {
      readonly type: "zero";
      readonly position: number;
      readonly device: string;
      readonly offset: number;
      /** How many neighbouring blocks. */
      readonly blocks: number;
    }
  | { readonly type: "progress"; readonly position: number; readonly percent: number }
  | { readonly type: "eos"; readonly position: number };

/** A run that may still grow: only its maker sees it so. */
type ZeroRun = Omit<Extract<Item, { type: "zero" }>, "blocks"> & { blocks: number };

/** Joins runs of zero frames. */
export async function* joinFrames(frames: AsyncIterable<ClassicFrame>): AsyncGenerator<Item> {
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

function continues(run: ZeroRun, frame: ClassicFrame): boolean {
  if (frame.type !== "zero" || frame.device !== run.device) return false;
  return frame.offset === run.offset + run.blocks * BLOCK_SIZE;
}

function itemOf(frame: ClassicFrame): Item {
  switch (frame.type) {
    case "payload":
    case "block":
      return { type: "block", position: frame.position, device: frame.device, offset: frame.offset };
    case "zero":
      return { ...frame, blocks: 1 };
    case "progress":
    case "eos":
      return frame;
  }
}
