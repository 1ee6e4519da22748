import { openDisk } from "@blkmig/device";

import { formatBytes } from "../output/format-amounts.ts";
import type { Output } from "../output/output.ts";
import { firstDifference } from "../verify/first-difference.ts";
import { checkRecords } from "./guest-records.ts";
import { type DemoImage, fileSystemIsSound } from "./make-image.ts";

export interface CopyToVerify {
  readonly image: DemoImage;
  readonly target: string;
  /** The number of the last record that the guest was told is written. */
  readonly newest: number;
}

/** Both disks are compared byte by byte, then the copy is looked at as its guest would. Throws what is not as it must be. */
export async function verifyCopy(
  { image, target, newest: last }: CopyToVerify,
  { output, signal }: { readonly output: Output; readonly signal: AbortSignal },
): Promise<void> {
  const source = await openDisk(image.path, { readOnly: true });
  const copy = await openDisk(target, { readOnly: true });
  try {
    const difference = await firstDifference(source, copy, { signal, onProgress: () => {} });
    if (signal.aborted) return;
    if (difference !== undefined) throw new Error(`the disks differ at byte ${difference}`);
    output.say(`  both disks are equal, byte by byte: ${formatBytes(copy.size)}`);
    const { intact, corrupt, newest } = await checkRecords(copy, image.area);
    if (corrupt > 0) throw new Error(`${corrupt} of the guest's records are corrupt on the copy`);
    if (newest !== last)
      throw new Error(`the newest record on the copy is ${newest}; the guest was told that ${last} is written`);
    output.say(
      `  on the copy: ${intact} of the guest's records intact, none corrupt, the newest is the last that was answered (${newest})`,
    );
  } finally {
    await Promise.all([source.close(), copy.close()]);
  }
  if (!image.hasFileSystem) return;
  const sound = await fileSystemIsSound(target);
  if (sound === false) throw new Error("e2fsck finds the copy's file system unsound");
  if (sound) output.say("  e2fsck finds its file system sound");
}
