import fc from "fast-check";

import type { BlockDeviceShape, ExtentShape } from "./block-device-shape.ts";

/** One thing done to a disk; places are fractions, so that one list of steps fits disks of every size. */
export interface DiskStep {
  readonly action: "read" | "write" | "zero" | "extents" | "flush";
  readonly at: number;
  readonly length: number;
  /** What places are rounded to: a sector, or nothing, for odd bytes are legal too. */
  readonly grain: number;
  readonly unmap: boolean;
  readonly byte: number;
}

const NOTHING = { said: undefined, truth: undefined };

/** Even from 0 to 1. (`fc.double` is even over floating-point numbers, and so nearly always nearly 0.) */
const fraction = fc.integer({ min: 0, max: 2 ** 30 }).map((number) => number / 2 ** 30);

export const diskSteps: fc.Arbitrary<DiskStep[]> = fc.array(
  fc.record({
    action: fc.constantFrom("read", "write", "write", "zero", "zero", "extents", "flush"),
    at: fraction,
    length: fraction,
    grain: fc.constantFrom(1, 512, 4096),
    unmap: fc.boolean(),
    byte: fc.integer({ min: 1, max: 255 }),
  }),
  { minLength: 1, maxLength: 12 },
);

/** Where a step lies on a disk of `size` bytes: short extents as likely as long ones. */
function extentOf(size: number, step: DiskStep): { offset: number; length: number } {
  const offset = roundTo(step.grain, step.at * size, size);
  return { offset, length: roundTo(step.grain, step.length ** 3 * (size - offset), size - offset) };
}

function roundTo(grain: number, value: number, most: number): number {
  return Math.min(Math.round(value / grain) * grain, most);
}

/**
 * Does one step to the disk and to the bytes that it should hold. Returns what the disk said and what it should have
 * said, to be compared by the caller.
 */
export async function performStep(
  device: BlockDeviceShape,
  model: Uint8Array,
  step: DiskStep,
): Promise<{ said: unknown; truth: unknown }> {
  const { offset, length } = extentOf(device.size, step);
  const inside = model.subarray(offset, offset + length);
  switch (step.action) {
    case "read": {
      const into = new Uint8Array(length).fill(0xa5);
      await device.read(offset, into);
      return { said: textOf(into), truth: textOf(inside) };
    }
    case "write": {
      const data = cut(patternOf(length, step.byte), step.byte);
      await device.write(offset, data);
      inside.set(patternOf(length, step.byte));
      return NOTHING;
    }
    case "zero":
      await device.zero(offset, length, { unmap: step.unmap });
      inside.fill(0);
      return NOTHING;
    case "extents":
      return { said: judgeExtents(await collect(device.extents(offset, length)), offset, length, model), truth: [] };
    case "flush":
      break;
  }
  await device.flush();
  return NOTHING;
}

/** What is wrong with an answer of `extents()`; nothing if it keeps the contract and is true of the disk's bytes. */
export function judgeExtents(
  extents: readonly ExtentShape[],
  offset: number,
  length: number,
  content: Uint8Array,
): string[] {
  const faults: string[] = [];
  let at = offset;
  for (const extent of extents) {
    if (extent.offset !== at) faults.push(`an extent at ${extent.offset} where ${at} was due`);
    if (!(extent.length > 0)) faults.push(`an extent of ${extent.length} bytes at ${extent.offset}`);
    at = extent.offset + extent.length;
    const isZero = content.subarray(extent.offset, at).every((byte) => byte === 0);
    if (extent.zero && !isZero) faults.push(`not zero: ${extent.length} bytes at ${extent.offset}`);
  }
  if (at !== offset + length) faults.push(`the answer ends at ${at}, not at ${offset + length}`);
  return faults;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

export async function readAll(device: BlockDeviceShape): Promise<Uint8Array> {
  const into = new Uint8Array(device.size);
  await device.read(0, into);
  return into;
}

/** Bytes of which no two neighbours and no two sectors are alike. */
export function patternOf(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 7 + (at >>> 9) * 13 + seed) & 0xff;
  return bytes;
}

/** The same bytes in pieces of uneven length, some of them empty. */
export function cut(bytes: Uint8Array, seed: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const piece = Math.max(1, Math.ceil(bytes.length / (1 + (seed % 9))));
  for (let at = 0; at < bytes.length; at += piece) {
    pieces.push(bytes.subarray(at, at + piece), new Uint8Array(0));
  }
  return pieces;
}

/** As a string, which is compared a thousand times faster than an array. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
