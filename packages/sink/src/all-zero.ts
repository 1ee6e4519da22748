import { nodeBuiltin } from "./node-builtin.ts";

const compare = nodeBuiltin("node:buffer")?.Buffer.compare;

/** Whether every byte is zero. In Node.js each is compared with its neighbour, natively and without a second buffer. */
export function isAllZero(bytes: Uint8Array): boolean {
  if (bytes.length === 0) return true;
  if (!compare) return bytes.every((byte) => byte === 0);
  return bytes[0] === 0 && compare(bytes.subarray(1), bytes.subarray(0, -1)) === 0;
}
