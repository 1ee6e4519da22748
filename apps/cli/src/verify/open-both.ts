import { DeviceError, type OpenDisk, openDisk, sameDisk } from "@blkmig/device";

import { CommandError, messageOf } from "../command-error.ts";

/** Opens the two disks to compare. Throws `CommandError` `not-comparable`. */
export async function openBoth(
  paths: readonly [string, string],
  warn: (message: string) => void,
): Promise<readonly [OpenDisk, OpenDisk]> {
  const a = await openToRead(paths[0], warn);
  try {
    const b = await openToRead(paths[1], warn);
    if (!sameDisk(a.identity, b.identity)) return [a, b];
    await b.close();
    throw new CommandError("not-comparable", `${paths[0]} and ${paths[1]} are the same disk, and equal to itself`);
  } catch (error) {
    await a.close();
    throw error;
  }
}

/** A disk that is in use can be read, but what is read may be of no single moment. */
async function openToRead(path: string, warn: (message: string) => void): Promise<OpenDisk> {
  try {
    return await openDisk(path, { readOnly: true });
  } catch (error) {
    if (!(error instanceof DeviceError) || error.code !== "in-use") throw notComparable(error);
    warn(`${path} is in use by another process: it may change while it is compared`);
  }
  return openDisk(path, { readOnly: true, lock: false }).catch((error: unknown) => {
    throw notComparable(error);
  });
}

export function notComparable(error: unknown): unknown {
  return error instanceof DeviceError ? new CommandError("not-comparable", messageOf(error), { cause: error }) : error;
}
