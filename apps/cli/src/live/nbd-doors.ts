import {
  createNbdServer,
  listenNbd,
  type NbdExport,
  type NbdListener,
  type NbdServer,
  type NbdServerEvent,
  type NbdUrl,
} from "@blkmig/nbd";

import type { Output, Warn } from "../output/output.ts";
import { readServerKeys } from "./server-keys.ts";

/** Where clients come in: one NBD server an address, all with the same exports. */
export interface NbdDoors {
  /** With real ports. */
  readonly urls: readonly string[];
  clients(exportName: string): readonly string[];
  /** Hangs up on the clients of an export, as `NbdServer.drop`. */
  drop(exportName: string, how: "finish" | "now"): Promise<void>;
  /** Nobody else is let in. */
  shut(): Promise<void>;
  /** The same, and hangs up on all. Twice is once, and `now` overtakes `finish`. */
  close(how: "finish" | "now"): Promise<void>;
}

export interface NbdDoorsOptions {
  readonly at: readonly NbdUrl[];
  /** Asked at each negotiation. */
  readonly exports: () => readonly NbdExport[];
  readonly say: Output["say"];
  readonly warn: Warn;
}

/** Opens all or none. Throws `TransportError` `listen`, and `CommandError` for keys that are none. */
export async function openNbdDoors({ at, exports, say, warn }: NbdDoorsOptions): Promise<NbdDoors> {
  const doors: { readonly server: NbdServer; readonly listener: NbdListener }[] = [];

  const onEvent = (event: NbdServerEvent): void => {
    if (event.type === "refused") return warn(`NBD client ${event.peer} was turned away: ${event.why}`, event.why);
    if (event.type === "visited") return say(`NBD client ${event.peer} asked what is here, and left`, "visited");
    const { peer, exportName } = event;
    if (event.type === "joined") return say(`NBD client ${peer} uses disk '${exportName}'`, "uses");
    say(`NBD client ${peer} left disk '${exportName}'${event.why === undefined ? "" : `: ${event.why}`}`, "left");
  };

  const each = async (act: (door: (typeof doors)[number]) => Promise<void>): Promise<void> => {
    await Promise.all(doors.map(act));
  };
  const shut = (): Promise<void> => each(({ listener }) => listener.close());
  const close = async (how: "finish" | "now"): Promise<void> => {
    await shut();
    await each(({ server }) => server.close(how));
  };

  try {
    for (const url of at) {
      const keys = await readServerKeys(url);
      for (const warning of keys?.warnings ?? []) warn(warning);
      const server = createNbdServer({ exports, ...(keys && { tls: keys.tls }), onEvent });
      doors.push({ server, listener: await listenNbd(url, server) });
    }
  } catch (error) {
    await close("now");
    throw error;
  }

  return {
    urls: doors.map(({ listener }) => listener.url),
    clients: (exportName) =>
      doors
        .flatMap(({ server }) => server.clients().filter((client) => client.exportName === exportName))
        .map(({ peer }) => peer),
    drop: (exportName, how) => each(({ server }) => server.drop(exportName, how)),
    shut,
    close,
  };
}
