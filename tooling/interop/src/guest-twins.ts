import type { GuestDisks } from "./guest-disks.ts";
import { checkRecords } from "./guest-records.ts";

/** What two raw disks of guest-twins.sh say of the moment at which they stood still. */
export interface Twins {
  /** How many records the first one is ahead: none or one, of disks of one moment. */
  readonly ahead: number;
  /** The newest record that both have. */
  readonly newest: number;
  readonly flaws: readonly string[];
}

export async function checkTwins(disks: GuestDisks["disks"]): Promise<Twins> {
  const found = await Promise.all(disks.map(async ({ id, path }) => ({ id, ...(await checkRecords(path)) })));
  const [first, second] = found.map(({ newest }) => newest) as [number, number];
  const flaws = found
    .filter(({ corrupt, missing }) => corrupt.length + missing.length > 0)
    .map(({ id, corrupt, missing }) => `${id}: corrupt slots ${corrupt.join()}, missing records ${missing.join()}`);
  return { ahead: first - second, newest: Math.min(first, second), flaws };
}
