import { DeviceError } from "@blkmig/device";
import { formatNbdUrl, type NbdClientEvent, type NbdDevice, type NbdUrl, openNbd, readNbdKeys } from "@blkmig/nbd";
import type { TlsOptions } from "@blkmig/transport/url";

import { CommandError, messageOf } from "../command-error.ts";
import { formatTime } from "../output/format-amounts.ts";
import type { AnyDisk, OpenAnyDiskOptions } from "./any-disk.ts";
import { assertGuarded, parseNbdDisk } from "./nbd-disk-url.ts";

/** Opens a disk behind NBD. It has no lock, and nobody says whether others write it. */
export async function openNbdDisk(text: string, options: OpenAnyDiskOptions): Promise<AnyDisk> {
  const { name, readOnly = false, insecure, warn, signal } = options;
  const url = parseNbdDisk(text);
  assertGuarded(url, insecure);
  const tls = await keysOf(url);
  const device = await openNbd(url, {
    name,
    ...(readOnly ? { readOnly } : {}),
    ...(tls ? { tls } : {}),
    ...(signal ? { signal } : {}),
    ...(warn ? { onEvent: warnOnce(name, url, warn) } : {}),
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

async function keysOf(url: NbdUrl): Promise<TlsOptions | undefined> {
  if (!url.secure) return undefined;
  try {
    return await readNbdKeys(url, "client");
  } catch (cause) {
    throw new CommandError("refused", `${formatNbdUrl(url)}: ${messageOf(cause)}`, { cause });
  }
}

/** Once an outage: one refusal after the other says nothing new. */
function warnOnce(name: string, url: NbdUrl, warn: (message: string) => void): (event: NbdClientEvent) => void {
  let isOut = false;
  return (event) => {
    if (event.type !== "reconnect") return; // a request that fails says so itself
    const { why, waitMs } = event;
    const wasOut = isOut;
    isOut = waitMs !== undefined;
    if (waitMs === undefined || wasOut) return;
    warn(`disk '${name}': ${formatNbdUrl(url)} does not answer: ${why}; trying again in ${formatTime(waitMs)}`);
  };
}
