import { identifyDisk, sameDisk } from "@blkmig/device";
import type { Segments } from "@blkmig/protocol";
import type { SessionOptions, SessionWire, SourceWire } from "@blkmig/source";
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
  /** Listens, if receivers dial, and waits until somebody has. False if we dial. Throws `CommandError` `cancelled`. */
  arrived(signal: AbortSignal): Promise<boolean>;
  /** For a session, after the last one broke: dials again, or hears who dials, for at most so many milliseconds. */
  openAgain(signal: AbortSignal, how: AgainOptions): Promise<SessionWire>;
  close(): Promise<void>;
}

interface AgainOptions {
  readonly opening: Segments;
  readonly within: number;
}

/** The longest that Node's timers can wait. */
const LONGEST_MS = 2 ** 31 - 1;

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

  const listening = async (): Promise<Callers> =>
    (callers ??= await listenForReceiver(to, { output, allowOrigin, ...tls }));

  return {
    async open(ending) {
      if (!listen) return asWire(await dial(ending, false));
      const first = await (await listening()).next(ending);
      if (!first) throw nobodyDialled();
      return asWire(first);
    },
    async arrived(ending) {
      if (!listen) return false;
      if (!(await (await listening()).arrived(ending))) throw nobodyDialled();
      return true;
    },
    async openAgain(ending, { opening, within }) {
      last?.destroy(); // a receiver that takes one connection at a time must see that this one is over
      if (to.kind === "stdio") throw new Error("standard input and output cannot be opened again");
      if (!callers) return asWire(await dial(ending, true));
      const patience = AbortSignal.any([ending, AbortSignal.timeout(Math.min(within, LONGEST_MS))]);
      const next = await callers.hear(opening, patience);
      if (!next) throw ending.aborted ? nobodyDialled() : new Error("the receiver has not dialled again");
      return { ...asWire(next), isOpened: true };
    },
    async close() {
      // Only ours to end early: one that was ended well has said its last word.
      if (signal.aborted) last?.destroy(signal.reason as Error);
      else last?.destroy();
      await callers?.close();
    },
  };
}

const nobodyDialled = (): CommandError => new CommandError("cancelled", "cancelled: nobody has dialled");

/**
 * Opens the first connection now, or waits until somebody has dialled, so that a receiver that is not there is a refusal; gives what
 * a session asks for connections.
 */
export async function connectBy(
  wires: SendWires,
  signal: AbortSignal,
  within: number,
): Promise<SessionOptions["connect"]> {
  const theyDial = await wires.arrived(signal);
  let first: SourceWire | undefined = theyDial ? undefined : await wires.open(signal);
  /** Who dialled may be a stranger: for the first receiver one waits as long as for the first caller. */
  let patience = theyDial ? Infinity : within;
  return async (ending, opening) => {
    const wire = first ?? (await wires.openAgain(ending, { opening, within: patience }));
    first = undefined;
    patience = within;
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
