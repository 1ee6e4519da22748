import { identifyDisk, sameDisk } from "@blkmig/device";
import type { SourceWire } from "@blkmig/source";
import { type Connection, connectUrl, formatWireUrl, listenUrl, type WireUrl } from "@blkmig/transport/url";

import { CommandError } from "../command-error.ts";
import { aborted } from "../interruption.ts";
import type { Output } from "../output/output.ts";
import { canBeAnswered } from "../stdio-directions.ts";
import type { Sources } from "./open-sources.ts";
import type { SendOptions } from "./send-options.ts";

/** Dials the receiver, or waits until it dials. Throws `TransportError`, or `CommandError` `cancelled`. */
export async function openSendWire(
  { to, listen }: SendOptions,
  { output, signal }: { readonly output: Output; readonly signal: AbortSignal },
): Promise<SourceWire> {
  const connection = listen ? await acceptOne(to, output, signal) : await connectUrl(to, { signal });
  const wire: SourceWire = {
    send: (data) => connection.send(data),
    finish: () => connection.finish(),
    destroy: (reason) => connection.destroy(reason),
  };
  return canBeAnswered(to) ? { ...wire, read: (into) => connection.read(into) } : wire;
}

/** The first to dial is the receiver: it never speaks first, so nothing can be asked of it. */
async function acceptOne(at: WireUrl, output: Output, signal: AbortSignal): Promise<Connection> {
  const listener = await listenUrl(at);
  output.event("listening", { url: listener.url });
  output.say(`waiting for a receiver at ${listener.url}`);
  void aborted(signal).then(() => listener.close());
  try {
    const connection = await listener.accept();
    if (!connection) throw new CommandError("cancelled", "cancelled: nobody has dialled");
    return connection;
  } finally {
    await listener.close();
  }
}

/** A stream written over the disk that it is made of would destroy it. */
export async function assertNoSource(to: WireUrl, { disks }: Sources): Promise<void> {
  if (to.kind !== "file") return;
  const there = await identifyDisk(to.path).catch(() => undefined); // not there yet
  const same = disks.find(({ device }) => there && sameDisk(there, device.identity));
  if (!same) return;
  throw new CommandError("refused", `${formatWireUrl(to)} is disk '${same.name}' itself: its stream would destroy it`);
}
