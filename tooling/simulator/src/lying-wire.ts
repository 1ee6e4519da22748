import type { Segments } from "@blkmig/device";
import type { SourceWire } from "@blkmig/source";
import { type NaiveFrame, type NaiveItem, naiveDecode, naiveEncode, type SeededRandom } from "@blkmig/testkit";

const MiB = 1024 * 1024;

export interface LyingWire<Wire> {
  readonly wire: Wire;
  /** The law that a sink breaks which has believed it; undefined as long as nothing was a lie. */
  readonly broken: string | undefined;
}

type Blocks = Extract<NaiveFrame, { device: string }>;

/**
 * A classic stream as a source would send it that leaves one block out, however often it comes, or sends one more that lies
 * behind the disk's end. No frame of it is damaged: only what a sink counts and checks by itself tells.
 */
export function lyingWire<Wire extends SourceWire>(
  wire: Wire,
  disks: readonly { readonly name: string; readonly size: number }[],
  random: SeededRandom,
): LyingWire<Wire> {
  const lie = random.pick(["leaves out", "goes beyond"] as const);
  const sent = new Set<string>();
  let left = random.int(3); // places until it lies
  let place: string | undefined;

  const beyond = (frame: Blocks): NaiveItem => {
    const { size } = disks.find(({ name }) => name === frame.device)!;
    return { ...frame, offset: (Math.ceil(size / MiB) + random.int(3)) * MiB };
  };

  const told = (frame: NaiveFrame): readonly NaiveItem[] => {
    if (frame.type !== "block" && frame.type !== "zero") return [frame];
    const here = `${frame.device} ${frame.offset}`;
    const isFirst = !sent.has(here); // an older copy of what is left out later covers it: no sink could tell
    sent.add(here);
    if (place === undefined && isFirst && left-- <= 0) {
      place = here;
      if (lie === "goes beyond") return [frame, beyond(frame)];
    }
    return lie === "leaves out" && place === here ? [] : [frame];
  };

  return {
    wire: {
      ...wire,
      /** Every send is whole frames. */
      async send(data: Segments) {
        const items = naiveDecode(Buffer.concat(data)).frames.flatMap(told);
        if (items.length > 0) await wire.send([naiveEncode(items)]);
      },
    },
    get broken() {
      if (place === undefined) return undefined;
      return lie === "leaves out"
        ? "law 4: a block was left out, and it was committed"
        : "law 7: a block behind the end was sent, and it was committed";
    },
  };
}
