import { onTestFinished } from "vitest";

import type { Connection } from "./connection.ts";
import { memoryPair, type MemoryPairOptions } from "./memory.ts";
import { secureConnection, type SecureOptions, type TlsOptions } from "./tls.ts";

/** Both ends of a wire go on in TLS. */
export async function secureBoth(
  there: Connection,
  here: Connection,
  tls: TlsOptions,
): Promise<[Connection, Connection]> {
  return Promise.all([
    secureConnection(there, { as: "dialler", tls }),
    secureConnection(here, { as: "listener", tls }),
  ]);
}

type Half = Omit<SecureOptions, "as">;

/** What becomes of both ends of a wire in memory that try to go on in TLS. */
export async function tryBoth(dialler: Half, listener: Half, options: MemoryPairOptions = {}) {
  const [there, here] = wire(options);
  return Promise.allSettled([
    secureConnection(there, { as: "dialler", ...dialler }),
    secureConnection(here, { as: "listener", ...listener }),
  ]);
}

/** A wire in memory until the end of the test. */
export function wire(options: MemoryPairOptions = { capacity: 65_536 }): [Connection, Connection] {
  const pair = memoryPair(options);
  onTestFinished(() => pair.forEach((end) => end.destroy()));
  return pair;
}
