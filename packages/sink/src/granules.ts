import type { DirtyBitmap, Run } from "@blkmig/device/memory";

/** Marks the granules that lie wholly inside the extent; the disk's short last one is whole at the disk's end. */
export function markWhole(bitmap: DirtyBitmap, offset: number, length: number): void {
  const whole = wholeGranules(bitmap, offset, length);
  if (whole) bitmap.mark(whole.offset, whole.length);
}

/** Clears every granule that the extent touches. */
export function clearTouched(bitmap: DirtyBitmap, offset: number, length: number): void {
  const { granularity, size } = bitmap;
  const from = Math.floor(offset / granularity) * granularity;
  const to = Math.min(size, Math.ceil((offset + length) / granularity) * granularity);
  bitmap.clear(from, to - from);
}

function wholeGranules({ granularity, size }: DirtyBitmap, offset: number, length: number): Run | undefined {
  const end = offset + length;
  const from = Math.ceil(offset / granularity) * granularity;
  const to = end === size ? size : Math.floor(end / granularity) * granularity;
  return to > from ? { offset: from, length: to - from } : undefined;
}
