import { createToken, parseToken } from "@blkmig/transport/tls";
import {
  type Connection,
  connectUrl,
  formatWireUrl,
  type Listener,
  listenUrl,
  type TlsOptions,
} from "@blkmig/transport/url";

import { isSocket } from "../arguments/parse-address.ts";
import { openTlsKeys } from "../arguments/tls-arguments.ts";
import { CommandError } from "../command-error.ts";
import { endingOf, EXIT } from "../exit-code.ts";
import { unlessAborted } from "../interruption.ts";
import { readServerKeys } from "../live/server-keys.ts";
import type { CommandWorld } from "../run-command.ts";
import type { ServeWorld } from "../serve/serve-until-over.ts";
import { canAnswer } from "../stdio-directions.ts";
import { boundYoungGeneration } from "../young-generation.ts";
import { acquaint } from "./acquaint.ts";
import { answerLate } from "./answer-late.ts";
import { type Door, openDoor } from "./door.ts";
import { createGuard, type Guard } from "./guard.ts";
import { openTargets, type Targets } from "./open-targets.ts";
import { describePairing } from "./pairing.ts";
import type { ReceiveOptions } from "./receive-options.ts";
import { createSenderWire, type SenderWire } from "./sender-wire.ts";
import { createServing } from "./serving.ts";
import { takeSession } from "./take-session.ts";
import { takeStream } from "./take-stream.ts";
import type { Committed, Taking } from "./taking.ts";
import { turnAway } from "./turn-away.ts";
import { assertNothingThere } from "./vm-state.ts";

const UNKNOWN_AT_ONCE = 64;

/** What one receiver has all its life. */
interface Receiver {
  readonly options: ReceiveOptions;
  readonly world: ServeWorld;
  readonly guard: Guard;
  readonly keys: Keys;
}

interface Keys {
  readonly tls?: TlsOptions;
  /** A token that the sender must be told. */
  readonly token?: string;
}

/** Takes one migration, or with `keep` one after the other; gives the exit code, or throws what ended it. */
export async function receive(options: ReceiveOptions, world: ServeWorld): Promise<number> {
  if (options.vmState !== undefined) await assertNothingThere(options.vmState);
  for (const url of options.serving?.nbd ?? []) await readServerKeys(url); // said now, and not when everything has been sent
  if (options.serving) boundYoungGeneration();
  const receiver = { options, world, guard: createGuard(options), keys: await openKeys(options, world) };
  const targets = await openTargets(options, receiver.guard, world);
  for (const warning of targets.warnings) world.output.warn(warning);
  if (options.connect || !isSocket(options.at)) return receiveFromOne(receiver, targets);
  return receiveFromAnyone(receiver, targets);
}

async function openKeys({ keys }: ReceiveOptions, { output }: CommandWorld): Promise<Keys> {
  if (!keys) return {};
  if (keys.by === "pairing") {
    const token = createToken();
    return { tls: { token: parseToken(token) }, token };
  }
  const { tls, warnings } = await openTlsKeys(keys);
  for (const warning of warnings) output.warn(warning);
  return { tls };
}

/** The only peer there will be: what it says must be a stream, or a session. */
async function receiveFromOne(receiver: Receiver, targets: Targets): Promise<number> {
  const { options, world, guard } = receiver;
  const dial = async (signal: AbortSignal): Promise<SenderWire> => openOne(receiver, signal);
  const wire = await dial(world.signal).catch(async (error: unknown) => {
    await targets.close("untouched");
    throw error;
  });
  const again = options.connect ? ({ by: "dialling", dial } as const) : ({ by: "nothing" } as const);
  const exitCode = await takeAndServe({ wire, targets, guard, options, again, onAnswered: () => {} }, world);
  return exitCode ?? EXIT.ok;
}

async function openOne(receiver: Receiver, signal: AbortSignal): Promise<SenderWire> {
  const { options, keys } = receiver;
  const { tls } = keys;
  const connection = options.connect
    ? await connectUrl(options.at, { signal, ...(tls ? { tls } : {}) })
    : await theOneAt(receiver);
  const known = await unlessAborted(acquaint(connection), signal);
  if (known?.is === "sender") return createSenderWire(connection, known, canAnswer(options.at));
  connection.destroy();
  if (!known) throw new CommandError("cancelled", "cancelled: nothing had come");
  throw new CommandError("not-a-stream", `${connection.peer}: ${known.why}`);
}

/** Whoever is at standard input, or the stream in a file. */
async function theOneAt({ options: { at }, world: { output } }: Receiver): Promise<Connection> {
  const listener = await listenUrl(at);
  output.event("listening", { url: listener.url });
  const connection = await listener.accept();
  if (!connection)
    throw new CommandError("refused", `${formatWireUrl(at)}: nobody is there: start the sender first, with --listen`);
  return connection;
}

async function receiveFromAnyone(receiver: Receiver, first: Targets): Promise<number> {
  const { options, world } = receiver;
  const { output, signal } = world;
  let targets: Targets | undefined = first;
  let door: Door | undefined;
  try {
    const onDrop = (peer: string, why: string): void => output.warn(`dropped ${peer}: ${why}`, why);
    const listener = await listen(receiver, onDrop);
    const opened = openDoor({ listener, within: options.recogniseWithin, atOnce: UNKNOWN_AT_ONCE, onDrop });
    door = opened;
    for (;;) {
      const wire = await unlessAborted(opened.next(), signal);
      if (!wire) throw new CommandError("cancelled", "cancelled: no migration was under way");
      output.say(`receiving from ${wire.peer}`, "receiving");
      const open = targets;
      targets = undefined; // they are closed by whoever takes the migration: then others may have the disks
      const taking = async (): Promise<Left> => takeFrom(wire, open, receiver, opened);
      const left = options.keep ? await survive(taking, world) : await taking();
      if (left?.exitCode !== undefined && !options.keep) return left.exitCode;
      targets = left?.targets;
    }
  } finally {
    await targets?.close("untouched");
    await door?.close();
  }
}

async function listen(
  { options, world: { output }, keys }: Receiver,
  onRefused: (peer: string, why: string) => void,
): Promise<Listener> {
  const { tls, token } = keys;
  const { allowOrigin, at } = options;
  const listener = await listenUrl(at, { allowOrigin, onRefused, ...(tls ? { tls } : {}) });
  const { url } = listener;
  output.event("listening", { url, ...(token === undefined ? {} : { token }) });
  output.say(`listening at ${url}`);
  if (token !== undefined) for (const line of describePairing(url, token, options)) output.say(line);
  return listener;
}

/** What one sender left: how its migration ended, or, if there was none, the targets as they were. */
type Left =
  | { readonly exitCode: number; readonly targets?: undefined }
  | { readonly targets: Targets; readonly exitCode?: undefined };

/** One migration; gives the targets back if there was none after all. Between two of them they are let go of, so they are opened again. */
async function takeFrom(wire: SenderWire, open: Targets | undefined, receiver: Receiver, door: Door): Promise<Left> {
  const { options, world, guard } = receiver;
  const onAnswered = (committed?: Committed): void => {
    if (!committed || !options.serving) return door.open();
    door.admit(answerLate(committed, (peer, why) => world.output.warn(`dropped ${peer}: ${why}`, why)));
  };
  const admit = (take: (wire: SenderWire) => void): void => door.admit(take);
  const targets = open ?? (await openAgain(receiver, wire, onAnswered));
  const again = { by: "door", admit } as const;
  const exitCode = await takeAndServe({ wire, targets, guard, options, again, onAnswered }, world);
  return exitCode === undefined ? { targets } : { exitCode };
}

async function openAgain(
  { options, guard, world }: Receiver,
  wire: SenderWire,
  onAnswered: () => void,
): Promise<Targets> {
  try {
    return await openTargets(options, guard, world);
  } catch (error) {
    await turnAway(wire, error, onAnswered);
    throw error;
  }
}

/** Takes one migration and, with `--nbd`, serves its disks until it is interrupted. Gives the exit code; none if nothing was offered. */
async function takeAndServe(taking: Omit<Taking, "serving" | "world">, world: ServeWorld): Promise<number | undefined> {
  const { targets, options } = taking;
  const serving = options.serving && createServing(targets, options.serving, world);
  try {
    const taken = await takeMigration({ ...taking, world, serving });
    if (!taken) return undefined;
    return serving ? await serving.stay() : EXIT.ok;
  } finally {
    await serving?.close();
  }
}

/** Takes whatever the sender speaks. False if it offered nothing: the targets are then as they were, and still open. */
async function takeMigration(taking: Taking): Promise<boolean> {
  const { speaks } = taking.wire;
  if (speaks === "session") return takeSession(taking);
  await takeStream(taking, speaks);
  return true;
}

/** A receiver that is kept goes on after a migration that failed, but not after it was cancelled. */
async function survive<T>(taking: () => Promise<T>, { output, signal }: CommandWorld): Promise<T | undefined> {
  try {
    return await taking();
  } catch (error) {
    if (signal.aborted) throw error;
    output.ended(endingOf(error));
    return undefined;
  }
}
