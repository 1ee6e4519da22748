import type { EnvelopeSection, RamPages } from "@blkmig/protocol";

import type { EmptyParts, StreamFrame } from "./item.ts";

/** A run that may still grow: only its maker sees it so. */
type Run = { -readonly [Key in keyof EmptyParts]: EmptyParts[Key] };

/** Joins part sections without content, and leaves out the ends of block sections, which their `eos` has told. */
export async function* joinEmptyParts(frames: AsyncIterable<StreamFrame>): AsyncGenerator<StreamFrame> {
  let run: Run | undefined;
  /** A part of which only the head has come, or that and its `eos`. */
  let head: EnvelopeSection | undefined;
  let eos: StreamFrame | undefined;
  const held = function* held(): Generator<StreamFrame> {
    if (run) yield run;
    if (head) yield head;
    if (eos) yield eos;
    run = head = eos = undefined;
  };
  try {
    for await (const frame of frames) {
      if (head && frame.type === "eos") {
        eos = frame;
      } else if (head && frame.type === "section-end" && hasNone(frame.pages)) {
        run ??= { type: "empty-parts", position: head.position, block: 0, ram: 0 };
        run[frame.name === "block" ? "block" : "ram"]++;
        head = eos = undefined;
      } else if (frame.type === "section" && frame.kind === "part") {
        head = frame;
      } else {
        yield* held();
        if (frame.type !== "section-end" || frame.name !== "block") yield frame;
      }
    }
  } catch (error) {
    yield* held(); // it was there, whatever comes after it
    throw error;
  }
  yield* held();
}

function hasNone(pages: RamPages | undefined): boolean {
  return Object.values(pages ?? {}).every((count) => count === 0);
}
