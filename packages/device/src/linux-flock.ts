/** `struct flock` of a 64-bit Linux: short type, short whence, 4 unused, s64 start, s64 length, s32 pid, 4 unused. */
const BYTES = 32;

/** A `struct flock` for one byte of a file, counted from its start. The pid must be 0 for OFD locks. */
export function flockOfByte(type: number, byte: number): Uint8Array {
  const flock = new DataView(new ArrayBuffer(BYTES));
  flock.setInt16(0, type, true);
  flock.setInt16(2, 0, true); // SEEK_SET
  flock.setBigInt64(8, BigInt(byte), true);
  flock.setBigInt64(16, 1n, true);
  return new Uint8Array(flock.buffer);
}

/** The type in a `struct flock` that the kernel has filled in. */
export function typeOfFlock(flock: Uint8Array): number {
  return new DataView(flock.buffer, flock.byteOffset, flock.byteLength).getInt16(0, true);
}
