import type { OpenFile } from "./open-file.ts";

const TMPFS_MAGIC = 0x0102_1994;
/** What `stat` counts blocks in. */
const STAT_BLOCK_BYTES = 512n;

/**
 * Says whether a file is known to be all data, without a look for its holes. tmpfs looks for one page by page, 10 ms for 512 MiB, and holds
 * the lock that a guest's writes need: its large disks are asked by their number of blocks first. Elsewhere extents are looked up, and
 * blocks that are only reserved count as well: there the answer is no.
 */
export function createWithoutHoles(file: OpenFile): () => Promise<boolean> {
  let mayBe: boolean | undefined;

  async function isFull(): Promise<boolean> {
    const { blocks, size } = await file.stat();
    return blocks * STAT_BLOCK_BYTES >= size;
  }

  return async () => {
    mayBe ??= await file.fileSystem().then(
      (kind) => kind === TMPFS_MAGIC,
      () => false,
    );
    // One that has holes now will hardly be without: it is not asked for each of them.
    mayBe &&= await isFull();
    return mayBe;
  };
}
