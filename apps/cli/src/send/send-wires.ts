import { identifyDisk, sameDisk } from "@blkmig/device";
import type { SourceWire } from "@blkmig/source";
import { type Connection, connectUrl, formatWireUrl, type WireUrl } from "@blkmig/transport/url";

import { openTlsKeys, type TlsKeys } from "../arguments/tls-arguments.ts";
import { CommandError } from "../command-error.ts";
import type { Output } from "../output/output.ts";
import { canBeAnswered } from "../stdio-directions.ts";
import { type Callers, listenForReceiver } from "./listen-for-receiver.ts";
import type { Sources } from "./open-sources.ts";
import type { SendPlace } from "./send-options.ts";

/** The connections to one receiver, one after the other. */
export interface SendWires {
  /** Dials the receiver, or waits until it dials. Throws `TransportError`, or `CommandError` `cancelled`. */
  open(signal: AbortSignal): Promise<SourceWire>;
  /** The same again, after the last one broke; waits at most so many milliseconds for a receiver to dial. */
  openAgain(signal: AbortSignal, within: number): Promise<SourceWire>;
  close(): Promise<void>;
}

export interface SendWiresOptions extends SendPlace {
  /** Whether a receiver that is started by us takes up what an earlier one has begun. */
  readonly resume: boolean;
}

/** A command's, or of whoever asked a server to send. */
export interface SendWiresWorld {
  readonly output: Pick<Output, "say" | "warn" | "event">;
  readonly signal: AbortSignal;
}

/** Nothing is dialled yet. Throws `CommandError` `refused` for keys that cannot be read. */
export async function createSendWires(
  { to, listen, allowOrigin = [], tls: files, remote, resume }: SendWiresOptions,
  { output, signal }: SendWiresWorld,
): Promise<SendWires> {
  const keys = files ? await openTlsKeys(files) : undefined;
  for (const warning of keys?.warnings ?? []) output.warn(warning);
  const tls: Pick<TlsKeys, "tls"> | undefined = keys && { tls: keys.tls };
  let callers: Callers | undefined;
  let last: Connection | undefined;

  const dial = async (ending: AbortSignal, isAgain: boolean): Promise<Connection> => {
    const ssh = remote && {
      command: remote.ssh,
      remote: remote.command({ resume: resume || isAgain }),
      onStderr: (line: string) => output.say(`${formatWireUrl(to)}: ${line}`),
    };
    return connectUrl(to, { signal: ending, ...tls, ...(ssh && { ssh }) });
  };

  const asWire = (connection: Connection): SourceWire => {
    last = connection;
    const wire: SourceWire = {
      send: (data) => connection.send(data),
      finish: () => connection.finish(),
      destroy: (reason) => connection.destroy(reason),
    };
    return canBeAnswered(to) ? { ...wire, read: (into) => connection.read(into) } : wire;
  };

  return {
    async open(ending) {
      if (!listen) return asWire(await dial(ending, false));
      callers = await listenForReceiver(to, { output, allowOrigin, ...tls });
      const first = await callers.next(ending);
      if (!first) throw new CommandError("cancelled", "cancelled: nobody has dialled");
      return asWire(first);
    },
    async openAgain(ending, within) {
      last?.destroy(); // a receiver that takes one connection at a time must see that this one is over
      if (to.kind === "stdio") throw new Error("standard input and output cannot be opened again");
      if (!callers) return asWire(await dial(ending, true));
      const next = await callers.next(ending, within);
      if (!next) throw new Error("the receiver has not dialled again");
      return asWire(next);
    },
    async close() {
      // Only ours to end early: one that was ended well has said its last word.
      if (signal.aborted) last?.destroy(signal.reason as Error);
      else last?.destroy();
      await callers?.close();
    },
  };
}

/** Opens the first connection now, so that a receiver that is not there is a refusal; gives what a session asks for connections. */
export async function connectBy(
  wires: SendWires,
  signal: AbortSignal,
  within: number,
): Promise<(signal: AbortSignal) => Promise<SourceWire>> {
  let first: SourceWire | undefined = await wires.open(signal);
  return async (ending) => {
    const wire = first ?? (await wires.openAgain(ending, within));
    first = undefined;
    return wire;
  };
}

/** A stream written over the disk that it is made of would destroy it. */
export async function assertNoSource(to: WireUrl, { disks }: Sources): Promise<void> {
  if (to.kind !== "file") return;
  const there = await identifyDisk(to.path).catch(() => undefined); // not there yet
  const same = disks.find(({ device }) => there && sameDisk(there, device.identity));
  if (!same) return;
  throw new CommandError("refused", `${formatWireUrl(to)} is disk '${same.name}' itself: its stream would destroy it`);
}
