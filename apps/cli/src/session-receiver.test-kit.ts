import { setTimeout as wait } from "node:timers/promises";

import { openDisk } from "@blkmig/device";
import { openTargetJournal, placeOfRecord, readRecord, type RecordPlace, type TargetJournal } from "@blkmig/journal";
import { createSinkSession, type SessionOffer, type SessionTargets, type SinkSession } from "@blkmig/sink";
import type { Connection, Listener } from "@blkmig/transport";
import { connectUrl, listenUrl, parseWireUrl, type TlsOptions } from "@blkmig/transport/url";
import { onTestFinished } from "vitest";

/** A receiver of sessions in the test's own process, with real disks and real records, whose connections a test may cut. */
export interface SessionReceiver {
  readonly session: SinkSession;
  readonly url: string;
  /** What senders have offered. */
  readonly offers: readonly SessionOffer[];
  /** Breaks the connection of now. */
  cut(): void;
  /** As if it were killed: the connection breaks, nobody listens, and the targets are let go. */
  die(): Promise<void>;
  /** Settles when so much has come. */
  until(isIt: (session: SinkSession) => boolean): Promise<void>;
  /** Connects to a sender that listens. */
  dial(url: string): Promise<void>;
}

export interface SessionReceiverOptions {
  /** Paths of targets by the disks' names. */
  readonly targets: Readonly<Record<string, string>>;
  readonly at?: string;
  readonly tls?: TlsOptions;
  /** Refuses what is offered. */
  readonly refuse?: string;
  /** Runs when the decision is recorded, before the sender is told. */
  readonly onCommitted?: () => Promise<void>;
  /** Where the disks will be served; asked at each PREPARE. */
  readonly serve?: string | ((migration: string) => Promise<string>);
}

export async function startSessionReceiver(options: SessionReceiverOptions): Promise<SessionReceiver> {
  const { targets, at = "tcp://127.0.0.1:0", tls, refuse, onCommitted, serve } = options;
  const connections = new Set<Connection>();
  const offers: SessionOffer[] = [];
  const letGo: (() => Promise<void>)[] = [];

  const open = async (offer: SessionOffer) => {
    offers.push(offer);
    if (refuse !== undefined) throw new Error(refuse);
    const devices = await Promise.all(offer.disks.map(({ name }) => openDisk(targets[name]!, { name })));
    const close = async (): Promise<void> => {
      await Promise.all(devices.map((device) => device.close()));
    };
    letGo.push(close);
    const journaled = await Promise.all(
      devices.map(async (device) => ({ name: device.name, size: device.size, record: await placeOfRecord(device) })),
    );
    const { journal } = await openTargetJournal(journaled);
    const found = await recordedOf(offer.migration, journaled);
    const loud = onCommitted ? decidingLoudly(journal, onCommitted) : journal;
    return { devices, journal: loud, ...(found && { found }), close };
  };

  const ready = async () => ({ serve: typeof serve === "function" ? await serve(session.migration!) : serve! });
  const session: SinkSession = createSinkSession({ open, ...(serve !== undefined && { ready }) });
  session.ended.catch(() => {});
  let listener: Listener | undefined;

  const take = async (connection: Connection): Promise<void> => {
    connections.add(connection);
    const { how } = await session.take(connection);
    if (how === "over") await connection.finish().catch(() => {}); // it may have gone first
    else connection.destroy();
  };
  const acceptAll = async (from: Listener): Promise<void> => {
    for (let next = await from.accept(); next; next = await from.accept()) void take(next);
  };
  const cut = (): void => {
    for (const connection of connections) connection.destroy();
    connections.clear();
  };
  const die = async (): Promise<void> => {
    await listener?.close();
    cut();
    await Promise.all(letGo.splice(0).map((close) => close().catch(() => {})));
  };

  listener = await listenUrl(parseWireUrl(at), tls ? { tls } : {});
  void acceptAll(listener);
  onTestFinished(die);
  return {
    session,
    url: listener.url,
    offers,
    cut,
    die,
    async until(isIt) {
      while (!isIt(session)) await wait(1);
    },
    dial: async (url) => take(await connectUrl(parseWireUrl(url), tls ? { tls } : {})),
  };
}

async function recordedOf(
  migration: string,
  disks: readonly { readonly record: RecordPlace }[],
): Promise<SessionTargets["found"]> {
  const records = await Promise.all(disks.map(({ record }) => readRecord(record.path)));
  const [first] = records;
  if (first?.role !== "target" || first.migration !== migration) return undefined;
  const held = records.map((record) => (record?.role === "target" ? record.held.map(toRun) : []));
  return { state: first.state === "incomplete" ? "open" : first.state, attempt: first.attempt, held };
}

function decidingLoudly(journal: TargetJournal, onCommitted: () => Promise<void>): TargetJournal {
  return {
    ...journal,
    async decide(state, attempt) {
      await journal.decide(state, attempt);
      if (state === "committed") await onCommitted();
    },
  };
}

const toRun = ([offset, length]: readonly [number, number]) => ({ offset, length });
