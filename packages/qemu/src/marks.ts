import { findBitmaps, removeBitmaps } from "./bitmap-ours.ts";
import type { Mark } from "./live-contract.ts";
import { beforeOf } from "./machine-before.ts";
import { formatName, type OurName } from "./names.ts";
import type { Qmp } from "./qmp-contract.ts";

/** The largest that QEMU takes: a bitmap that is never enabled should cost nothing. */
const GRANULARITY = 2 ** 31;

/** What is written into a QEMU about one migration, as disabled dirty bitmaps: their names are what they say. Throws `QemuError`. */
export interface Marks {
  has(mark: Mark): Promise<boolean>;
  /** Twice is once. */
  add(name: OurName): Promise<void>;
  /** Wherever it is: another run may have chosen other disks. One that is not there is removed. */
  remove(mark: Mark): Promise<void>;
  /** All but those, and the server's always; as many as possible. */
  removeAllBut(keep: readonly Mark[]): Promise<void>;
}

/** `node`: where new ones are put. */
export function createMarks(qmp: Qmp, migration: string, node: string): Marks {
  const isThere = async (name: OurName): Promise<boolean> => {
    const text = formatName(migration, name);
    return (await findBitmaps(qmp, migration)).some((bitmap) => bitmap.text === text);
  };
  return {
    has: async (mark) => isThere({ is: "mark", mark }),
    async add(name) {
      if (await isThere(name)) return;
      const bitmap = { node, name: formatName(migration, name), granularity: GRANULARITY, disabled: true };
      await qmp.execute("block-dirty-bitmap-add", bitmap);
    },
    remove: async (mark) => removeBitmaps(qmp, migration, (name) => name.is === "mark" && name.mark === mark),
    removeAllBut: async (keep) =>
      removeBitmaps(qmp, migration, (name) => name.is === "server" || (name.is === "mark" && !isKept(name.mark, keep))),
  };
}

/** How a QEMU was before a machine's migration is to be known as long as that is not over. */
function isKept(mark: Mark, keep: readonly Mark[]): boolean {
  return keep.includes(mark) || (beforeOf(mark) !== undefined && keep.includes("machine"));
}
