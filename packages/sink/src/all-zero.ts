/** Whether every byte is zero. Each is compared with its neighbour, natively and without a second buffer. */
export function isAllZero(bytes: Uint8Array): boolean {
  if (bytes.length === 0) return true;
  return bytes[0] === 0 && Buffer.compare(bytes.subarray(1), bytes.subarray(0, -1)) === 0;
}
