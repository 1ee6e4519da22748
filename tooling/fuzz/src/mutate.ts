import type { SeededRandom } from "@blkmig/testkit";

import { type Input, MOST_INPUT_BYTES } from "./input.ts";

/** Numbers at which codecs change their minds. */
const EDGES = [
  0, 1, 2, 3, 4, 8, 16, 31, 32, 33, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x10_0000, 0x10_0001,
  0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
] as const;

type Mutation = (input: Input, random: SeededRandom, others: readonly Uint8Array[]) => void;

const MUTATIONS: readonly Mutation[] = [
  (input, random) => {
    const at = random.int(input.length);
    input.bytes[at] = input.bytes[at]! ^ (1 << random.int(8));
  },
  (input, random) => {
    input.bytes[random.int(input.length)] = random.int(256);
  },
  (input, random) => {
    const at = random.int(input.length);
    input.bytes[at] = input.bytes[at]! + random.int(5) - 2;
  },
  (input, random) => {
    if (input.length >= 2) input.view.setUint16(random.int(input.length - 1), random.pick(EDGES));
  },
  (input, random) => {
    if (input.length >= 4) input.view.setUint32(random.int(input.length - 3), random.pick(EDGES));
  },
  // an end that comes too early
  (input, random) => {
    input.length = random.int(input.length);
  },
  // bytes that are lost
  (input, random) => {
    const at = random.int(input.length);
    const count = 1 + random.int(Math.min(40, input.length - at));
    input.bytes.copyWithin(at, at + count, input.length);
    input.length -= count;
  },
  // bytes that come twice
  (input, random) => {
    const at = random.int(input.length);
    const count = Math.min(1 + random.int(60), input.length - at, MOST_INPUT_BYTES - input.length);
    input.bytes.copyWithin(at + count, at, input.length);
    input.length += count;
  },
  // the head of this one, the tail of another
  (input, random, others) => {
    if (others.length === 0) return;
    const other = random.pick(others);
    const from = random.int(other.length + 1);
    input.length = random.int(input.length + 1);
    input.put(other.subarray(from));
  },
];

/** Damages what was made, once or a few times; `others` are inputs that had something to say. */
export function mutate(input: Input, random: SeededRandom, others: readonly Uint8Array[]): void {
  for (let times = 1 + random.int(3); times > 0; times--) {
    if (input.length === 0) return;
    random.pick(MUTATIONS)(input, random, others);
  }
}
