import { DeviceError } from "@blkmig/device";
import {
  formatNbdUrl,
  type NbdClientEvent,
  type NbdDevice,
  type NbdKeys,
  type NbdUrl,
  openNbd,
  readNbdKeys,
} from "@blkmig/nbd";

import { CommandError, messageOf } from "../command-error.ts";
import type { AnyDisk, OpenAnyDiskOptions } from "./any-disk.ts";
import { assertGuarded, parseNbdDisk } from "./nbd-disk-url.ts";

const QUIET_MS = 30_000;

/** Opens a disk behind NBD. It has no lock, and nobody says whether others write it. */
export async function openNbdDisk(text: string, options: OpenAnyDiskOptions): Promise<AnyDisk> {
  const { name, readOnly = false, insecure, warn, signal } = options;
  const url = parseNbdDisk(text);
  assertGuarded(url, insecure);
  const keys = await keysOf(url);
  for (const warning of keys?.warnings ?? []) warn?.(warning);
  const device = await openNbd(url, {
    name,
    ...(readOnly ? { readOnly } : {}),
    ...(keys ? { tls: keys.tls } : {}),
    ...(signal ? { signal } : {}),
    ...(warn ? { onEvent: tellOutages(name, url, warn) } : {}),
  }).catch((error: unknown) => {
    throw signal?.aborted ? new CommandError("cancelled", "cancelled", { cause: error }) : error;
  });
  if (device.readOnly && !readOnly) {
    await device.close();
    throw new DeviceError(
      "read-only",
      name,
      `${formatNbdUrl(url)} may not be written: its server says that it is read-only`,
    );
  }
  return asDisk(device, text, url);
}

function asDisk(device: NbdDevice, path: string, url: NbdUrl): AnyDisk {
  const { identity: _link, url: _url, blockSizes, features, ...disk } = device;
  return {
    ...disk,
    path,
    kind: "nbd",
    identity: { url: formatNbdUrl(url) },
    locked: false,
    unchanged: async () => true,
    knowsBase: features.allocationDepth,
    minimumBlock: blockSizes.minimum,
  };
}

async function keysOf(url: NbdUrl): Promise<NbdKeys | undefined> {
  if (!url.secure) return undefined;
  try {
    return await readNbdKeys(url, "client");
  } catch (cause) {
    const isNamed = url.pskFile !== undefined || url.certificates !== undefined; // else it begins with the URL by itself
    const message = isNamed ? `${formatNbdUrl(url)}: ${messageOf(cause)}` : messageOf(cause);
    throw new CommandError("refused", message, { cause });
  }
}

/** Each of its connections says that it broke, and that it is tried again, and again: people are told now and then. */
function tellOutages(name: string, url: NbdUrl, warn: (message: string) => void): (event: NbdClientEvent) => void {
  let toldAt = -Infinity;
  return (event) => {
    // Of a failure tell the requests that fail.
    if (event.type !== "reconnect" || event.waitMs === undefined) return;
    if (performance.now() - toldAt < QUIET_MS) return;
    toldAt = performance.now();
    warn(`disk '${name}': ${formatNbdUrl(url)} does not answer (${event.why}), and is dialled again and again`);
  };
}
