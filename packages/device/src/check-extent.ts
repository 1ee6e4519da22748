/**
 * Throws a `RangeError` that names the disk unless `length` bytes at `offset` lie inside its `size`. Every request asks
 * this before any I/O. An empty extent may stand anywhere up to the disk's end.
 */
export function checkExtent(device: string, size: number, offset: number, length: number): void {
  if (!isBytes(offset) || !isBytes(length)) {
    throw new RangeError(`disk '${device}': ${length} bytes at ${offset} is no extent`);
  }
  if (offset > size || length > size - offset) {
    throw new RangeError(`disk '${device}': ${length} bytes at ${offset} leave the disk of ${size} bytes`);
  }
}

function isBytes(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
