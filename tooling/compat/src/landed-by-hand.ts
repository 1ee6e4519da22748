import { createHash } from "node:crypto";

import type { BlockDevice } from "@blkmig/device";

import { DATA, type SplitFrame } from "./session-bytes.ts";

/** Puts a DATA or a HOLE on its disk, by nothing of `@blkmig/sink`. */
export async function landByHand(targets: readonly BlockDevice[], frame: SplitFrame): Promise<void> {
  const { type, disk, offset, length, payload } = frame;
  if (type === DATA) await targets[disk]!.write(offset, [payload]);
  else await targets[disk]!.zero(offset, length);
}

/** Whether what a HASH asks about is the same on its disk. */
export async function isSameByHand(targets: readonly BlockDevice[], frame: SplitFrame): Promise<boolean> {
  const { disk, offset, length, flags, payload } = frame;
  const bytes = new Uint8Array(length);
  await targets[disk]!.read(offset, bytes);
  if (flags === 1) return bytes.every((byte) => byte === 0);
  return createHash("sha256").update(bytes).digest().equals(payload);
}
