import { DeviceError, sameDisk } from "@blkmig/device";
import { NbdError } from "@blkmig/nbd";

import { CommandError, messageOf } from "../command-error.ts";
import type { AnyDisk, OpenAnyDiskOptions } from "../disks/any-disk.ts";
import { openAnyDisk } from "../disks/open-any-disk.ts";

export type OpenBothOptions = Required<Pick<OpenAnyDiskOptions, "insecure" | "signal" | "warn">>;

/** Opens the two disks to compare. Throws `CommandError`: `not-comparable`, and what `openAnyDisk` throws. */
export async function openBoth(
  paths: readonly [string, string],
  options: OpenBothOptions,
): Promise<readonly [AnyDisk, AnyDisk]> {
  const a = await openToRead(paths[0], options);
  try {
    const b = await openToRead(paths[1], options);
    if (!sameDisk(a.identity, b.identity)) return [a, b];
    await b.close();
    throw new CommandError("not-comparable", `${paths[0]} and ${paths[1]} are the same disk, and equal to itself`);
  } catch (error) {
    await a.close();
    throw error;
  }
}

/** A disk that is in use can be read, but what is read may be of no single moment. */
async function openToRead(path: string, options: OpenBothOptions): Promise<AnyDisk> {
  const reading = { ...options, name: path, readOnly: true };
  try {
    return await openAnyDisk(path, reading);
  } catch (error) {
    if (!(error instanceof DeviceError) || error.code !== "in-use") throw notComparable(error);
    options.warn(`${path} is in use by another process: it may change while it is compared`);
  }
  return openAnyDisk(path, { ...reading, lock: false }).catch((error: unknown) => {
    throw notComparable(error);
  });
}

export function notComparable(error: unknown): unknown {
  const isDisks = error instanceof DeviceError || error instanceof NbdError;
  return isDisks ? new CommandError("not-comparable", messageOf(error), { cause: error }) : error;
}
